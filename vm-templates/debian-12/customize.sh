#!/bin/sh
# Runs inside the new root, after its packages and the files of this folder are in place.
set -eu
export LC_ALL=C.UTF-8

# Nothing that belongs to one machine may be in an image.
rm -f /etc/ssh/ssh_host_*
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id /etc/hostname

ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
echo LANG=C.UTF-8 > /etc/default/locale
echo "LABEL=root / ext4 errors=remount-ro,x-systemd.growfs 0 1" > /etc/fstab

# Packages are looked for when a role or a person asks, not by a timer during the first boot; LVM is not used.
systemctl mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service
# What a small server never looks at; each is a mount, a module or a process at every boot.
systemctl mask dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  proc-sys-fs-binfmt_misc.automount systemd-binfmt.service systemd-pstore.service systemd-network-generator.service \
  modprobe@dm_mod.service modprobe@loop.service modprobe@efi_pstore.service modprobe@drm.service
# Each of these is started at every boot and at every reload of systemd, to find things that this image does not have.
mkdir -p /etc/systemd/system-generators
for generator in gpt-auto hibernate-resume integritysetup system-update veritysetup; do
  ln -s /dev/null "/etc/systemd/system-generators/systemd-$generator-generator"
done
# Only the serial console is looked at.
systemctl mask getty@tty1.service cloud-init-hotplugd.socket
systemctl enable systemd-networkd.service systemd-resolved.service qemu-guest-agent.service \
  olympus-seed-check.service olympus-emulated.service olympus-clock.service
systemctl set-default multi-user.target

update-initramfs -u -k all
