import { statfsSync } from "node:fs";

const MiB = 1024 * 1024;
/** What the database needs for its next hand-overs, MiB. */
const least = 8;

/** What is wrong with the room on the disk of the folder, in words for people; undefined: there is enough. */
export function lackOfRoom(folder: string): string | undefined {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= least * MiB) return undefined;
  return `the disk is full: ${(free / MiB).toFixed(1)} MiB are left for ${folder}, it takes ${least}`;
}
