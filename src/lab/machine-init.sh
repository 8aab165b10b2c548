#!/bin/sh
# First process of a lab machine, already in namespaces of its own: mounts its root, waits for its network, becomes systemd.
# Works in the machine's folder: lower (link to the roots), upper, work, root. Settings come as variables, see machine.ts.
set -eu
mount --make-rprivate /
cd "$LAB_DIR"
# Relative paths: a path with a colon or comma would end the option.
mount -t overlay overlay -o "lowerdir=$LAB_LOWER,upperdir=upper,workdir=work" root
mount -t proc -o nosuid,nodev,noexec proc root/proc
for path in sys sysrq-trigger irq bus fs; do
  [ -e "root/proc/$path" ] || continue
  mount --bind "root/proc/$path" "root/proc/$path"
  mount -o remount,bind,ro "root/proc/$path"
done
# The machine's own network settings are its own: /proc/sys/net belongs to its network namespace.
mount --bind root/proc/sys/net root/proc/sys/net
mount -o remount,bind,rw root/proc/sys/net
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs root/sys
mount -t tmpfs -o mode=755,nosuid,nodev,size=20% tmpfs root/run
mount -t tmpfs -o mode=755,size=4m dev root/dev
for node in null zero full random urandom tty $LAB_DEVICES; do
  case $node in */*) mkdir -p "root/dev/${node%/*}" ;; esac
  : > "root/dev/$node"
  mount --bind "/dev/$node" "root/dev/$node"
done
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts root/dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs root/dev/shm
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
ln -s /proc/self/fd/0 root/dev/stdin
ln -s /proc/self/fd/1 root/dev/stdout
ln -s /proc/self/fd/2 root/dev/stderr

if [ "$LAB_CGROUP" = 1 ]; then
  mount -t tmpfs -o mode=755,nosuid,nodev,noexec tmpfs root/sys/fs/cgroup
  mkdir root/sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup root/sys/fs/cgroup/systemd
  for controllers in $LAB_CONTROLLERS; do
    mkdir "root/sys/fs/cgroup/$controllers"
    mount -t cgroup -o "$controllers" cgroup "root/sys/fs/cgroup/$controllers"
  done
  # Tools inside look for each controller by its own name.
  for pair in cpu,cpuacct net_cls,net_prio; do
    [ -d "root/sys/fs/cgroup/$pair" ] && for one in ${pair%,*} ${pair#*,}; do ln -s "$pair" "root/sys/fs/cgroup/$one"; done
  done
  cmdline="systemd.unified_cgroup_hierarchy=no systemd.legacy_systemd_cgroup_controller=yes"
else
  mount -t cgroup2 cgroup2 root/sys/fs/cgroup
  cmdline="systemd.unified_cgroup_hierarchy=yes"
fi
for bind in $LAB_BINDS; do
  mkdir -p "root/$bind" "disk/$bind"
  mount --bind "disk/$bind" "root/$bind"
done
hostname "$LAB_NAME"

# This /proc is still the host's, so it shows the number under which the host knows us.
read -r pid _ < /proc/self/stat
echo "ready $pid"
# The network is made from outside; an end of file means that whoever was making it is gone.
read -r go
[ "$go" = go ]

cd root
mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
# What systemd does on a real machine and leaves to whoever made a container: without it, what one of its helpers mounts for a
# unit (credentials) is seen by nobody.
mount --make-rshared /
rmdir /.old
# shellcheck disable=SC2086
exec $LAB_DROP \
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=olympus-lab "SYSTEMD_PROC_CMDLINE=$cmdline" \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=no \
  < /dev/null > /run/init.log 2>&1
