#!/bin/sh
# Installs packages over a finished root, into a layer of its own. In namespaces of its own; $1 base, $2 folder with upper,
# work and root, $3 cache of package files, the rest: packages.
set -eu
base=$1 dir=$2 debs=$3
shift 3
mount --make-rprivate /
cd "$dir"
ln -sfn "$base" base
mount -t overlay overlay -o lowerdir=base,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs tmpfs root/run
mount -t tmpfs -o mode=755 dev root/dev
for node in null zero full random urandom tty; do
  : > "root/dev/$node"
  mount --bind "/dev/$node" "root/dev/$node"
done
ln -s /proc/self/fd root/dev/fd
mkdir -p root/var/cache/apt/archives
mount --bind "$debs" root/var/cache/apt/archives
# Names are resolved as on this computer while packages are fetched.
touch root/etc/resolv.conf
mount --bind /etc/resolv.conf root/etc/resolv.conf
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
printf '#!/bin/sh\nexit 101\n' > root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d
chroot root apt-get -q update
chroot root apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io -o APT::Keep-Downloaded-Packages=true install "$@"
rm root/usr/sbin/policy-rc.d
rm -rf root/var/lib/apt/lists/*
: > root/etc/machine-id
