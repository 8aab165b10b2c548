import { open, rm } from "node:fs/promises";
import { join } from "node:path";

const megabyte = 1024 * 1024;
/** Room for the packages; the first boot grows the file system to the machine's root disk. */
const sizeMiB = 1536;

export interface DiskOptions {
  /** Folder that becomes the root file system. */
  readonly root: string;
  /** Where image.qcow2 is to be made. */
  readonly staging: string;
  readonly run: (program: string, args: readonly string[]) => Promise<unknown>;
}

/**
 * Makes a disk that boots by itself: one ext4 file system labelled `root` with extlinux in its boot block, and no
 * partition table, so that growing it is a matter of the file system alone. It has no feature that extlinux cannot
 * read (64bit, metadata_csum). Needs root for one loop mount, in a mount namespace of its own.
 */
export async function makeDisk({ root, staging, run }: DiskOptions): Promise<void> {
  const raw = join(staging, "disk.raw");
  const file = await open(raw, "w");
  await file.truncate(sizeMiB * megabyte);
  await file.close();
  await run("mke2fs", [
    ...["-q", "-F", "-t", "ext4", "-O", "^64bit,^metadata_csum", "-L", "root", "-m", "1"],
    ...["-E", "lazy_itable_init=1,root_owner=0:0", "-d", root, raw],
  ]);
  const install = 'mkdir "$2"; mount -o loop "$1" "$2"; extlinux --install "$2"/boot/extlinux; umount "$2"; rmdir "$2"';
  await run("unshare", ["-m", "sh", "-ec", install, "sh", raw, join(staging, "mnt")]);
  await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, join(staging, "image.qcow2")]);
  await rm(raw);
}
