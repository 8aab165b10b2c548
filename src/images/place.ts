import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sync } from "../base/durable.ts";

/**
 * Moves the finished folder of an image to where images are looked for. It lies on the disk before it gets that name: after a power cut
 * an image that is there is whole. What is left of an earlier one, its image deleted by hand, gives way. The caller holds the lock.
 */
export async function placeImage(staging: string, target: string): Promise<void> {
  await sync(join(staging, "image.qcow2"));
  await rm(target, { recursive: true, force: true });
  await rename(staging, target);
  await sync(dirname(target));
}
