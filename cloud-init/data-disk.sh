#!/bin/sh
# Mounts the machine's data disk at /srv/olympus. It is found by its label, so it survives a new root disk.
# A file system is made only on a whole disk without partitions, without any signature, and empty at its start.
set -eu
label=olympus-data
place=/srv/olympus

if ! blkid -L "$label" >/dev/null; then
  blank=
  for disk in $(lsblk -dnpro NAME,TYPE | awk '$2 == "disk" { print $1 }'); do
    [ "$(lsblk -nro NAME "$disk" | wc -l)" -eq 1 ] || continue
    [ -z "$(wipefs --noheadings "$disk")" ] || continue
    head -c 4194304 "$disk" | cmp -s -n 4194304 - /dev/zero || continue
    blank=$disk
  done
  if [ -z "$blank" ]; then
    echo "olympus: no disk labelled $label, and no empty disk to make one on; nothing was formatted" >&2
    exit 1
  fi
  mkfs.ext4 -q -L "$label" -m 1 "$blank"
fi

mkdir -p "$place"
grep -q "^LABEL=$label " /etc/fstab ||
  echo "LABEL=$label $place ext4 defaults,nofail,x-systemd.growfs,x-systemd.device-timeout=30s 0 2" >>/etc/fstab
mountpoint -q "$place" || mount "$place"
mountpoint -q "$place"
