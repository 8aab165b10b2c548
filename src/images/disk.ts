import { open, rm } from "node:fs/promises";
import { join } from "node:path";

const megabyte = 1024 * 1024;
/** Room for the packages; the first boot grows the file system to the machine's root disk. */
const sizeMiB = 1536;
/** Where the only partition starts: the usual place, with room for the boot code before it. */
const partitionMiB = 1;

export interface DiskOptions {
  /** Folder that becomes the root file system. */
  readonly root: string;
  /** Where image.qcow2 is to be made. */
  readonly staging: string;
  readonly run: (program: string, args: readonly string[]) => Promise<unknown>;
}

/**
 * Makes a disk that boots by itself: MBR, one ext4 partition labelled `root`, extlinux. The file system has no feature
 * that extlinux cannot read (64bit, metadata_csum). Needs root for one loop mount, in a mount namespace of its own.
 */
export async function makeDisk({ root, staging, run }: DiskOptions): Promise<void> {
  const raw = join(staging, "disk.raw");
  const file = await open(raw, "w");
  await file.truncate(sizeMiB * megabyte);
  await file.close();
  await run("sh", ["-ec", `echo 'start=${partitionMiB}MiB, type=83, bootable' | sfdisk -q "$1"`, "sh", raw]);
  await run("dd", ["if=/usr/lib/EXTLINUX/mbr.bin", `of=${raw}`, "bs=440", "count=1", "conv=notrunc", "status=none"]);
  await run("mke2fs", [
    ...["-q", "-F", "-t", "ext4", "-O", "^64bit,^metadata_csum", "-L", "root", "-m", "1"],
    ...["-E", `offset=${partitionMiB * megabyte},lazy_itable_init=1,root_owner=0:0`, "-d", root],
    raw,
    `${(sizeMiB - partitionMiB) * 1024}k`,
  ]);
  const install =
    'mkdir "$2"; mount -o loop,offset=$3 "$1" "$2"; extlinux --install "$2"/boot/extlinux; umount "$2"; rmdir "$2"';
  await run("unshare", ["-m", "sh", "-ec", install, "sh", raw, join(staging, "mnt"), String(partitionMiB * megabyte)]);
  await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, join(staging, "image.qcow2")]);
  await rm(raw);
}
