#!/bin/sh
# Mounts the machine's data disk at /srv/olympus. It is found by its label, so it survives a new root disk.
# A file system is made only on a whole disk without partitions, without any signature, and empty at its start; or on one whose last sector
# says that this script began one there and did not end.
set -eu
label=olympus-data
place=/srv/olympus
begun="olympus-data: a file system is being made here"

last_sector() { echo $(($(blockdev --getsz "$1") - 1)); }
is_begun() { dd if="$1" bs=512 skip="$(last_sector "$1")" count=1 status=none | grep -qaF "$begun"; }
is_blank() { [ -z "$(wipefs --noheadings "$1")" ] && head -c 4194304 "$1" | cmp -s -n 4194304 - /dev/zero; }

if ! blkid -L "$label" >/dev/null; then
  blank=
  for disk in $(lsblk -dnpro NAME,TYPE | awk '$2 == "disk" { print $1 }'); do
    [ "$(lsblk -nro NAME "$disk" | wc -l)" -eq 1 ] || continue
    if is_begun "$disk" || is_blank "$disk"; then blank=$disk; fi
  done
  if [ -z "$blank" ]; then
    echo "olympus: no disk labelled $label, and no empty disk to make one on; nothing was formatted" >&2
    exit 1
  fi
  printf '%s' "$begun" | dd of="$blank" bs=512 seek="$(last_sector "$blank")" conv=sync,fsync,notrunc status=none
  mkfs.ext4 -q -F -L "$label" -m 1 "$blank"
  dd if=/dev/zero of="$blank" bs=512 seek="$(last_sector "$blank")" count=1 conv=fsync,notrunc status=none
  # udev looks at a disk when a writer closes it, but not while it still looks because of the one before: it may have missed the last.
  if udevadm control --ping 2>/dev/null; then
    timeout 120 udevadm trigger --action=change --settle "$blank" || echo "olympus: udev has not looked at $blank" >&2
  fi
fi

mkdir -p "$place"
grep -q "^LABEL=$label " /etc/fstab ||
  echo "LABEL=$label $place ext4 defaults,nofail,x-systemd.growfs,x-systemd.device-timeout=30s 0 2" >>/etc/fstab
mountpoint -q "$place" || mount "$place"
mountpoint -q "$place"
