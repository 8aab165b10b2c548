import { dirname } from "node:path";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import type { Bundle } from "./apply-script.ts";
import { type FactRequest, type Facts, knownAt } from "./facts.ts";
import type { LocalFile } from "./operations.ts";
import { journalFolder } from "./places.ts";
import type { HostPlan } from "./plan.ts";

/** A packed folder or a file, and where it will lie. */
export interface SentBlob {
  readonly hash: string;
  readonly file: LocalFile;
  readonly to: string;
  /** It is unpacked there, and then gone from where it arrived. */
  readonly packed: boolean;
  /** The host does not have it yet. */
  readonly missing: boolean;
  /** Bytes it takes there. */
  readonly room: number;
}

/** Files of a run's own beside those that it is for: the journal, its history, claims, what stood there before. */
const inodesOfRun = 16;

/** These requests, and what is free where something may be made or changed, and where a run keeps its own. */
export function withRoom(requests: readonly FactRequest[]): FactRequest[] {
  const folders = new Set(requests.flatMap((one) => (one.fact === "path" ? [dirname(one.path)] : [])));
  return [...requests, ...[...folders, journalFolder].map((path): FactRequest => ({ fact: "space", path }))];
}

/** Room for what is sent, for each archive unpacked, and for what is written beside them. Throws E-ROLE-SPACE before anything is sent. */
export function checkBytes(host: string, blobs: readonly SentBlob[], written: Bundle["written"], facts: Facts): void {
  const taken = tally(facts, facts.space);
  for (const { to, bytes } of written) taken.count(to, bytes);
  for (const { file, missing } of blobs) if (missing) taken.count(journalFolder, file.size);
  for (const { file, to, packed, room } of blobs) {
    taken.count(to, room);
    // One after another: what is unpacked makes room for the next.
    if (packed) taken.count(journalFolder, -file.size);
  }
  taken.mustFit(host, roomWords);
}

/** What programs say on a host when something does not fit, tar also of what it could write in part. */
export const noSpace = /[Nn]o space (left|for backups)|Wrote only \d+ of/;

/** Both numbers of bytes, in a unit that tells them apart. */
export function roomWords(need: number, have: number): string {
  const [mega, kilo] = [1_000_000, 1000].map((unit) => [need, have].map((bytes) => Math.ceil(bytes / unit)));
  const [[needed, free], unit] = mega![0] === mega![1] ? [kilo!, "kB"] : [mega!, "MB"];
  return `${needed} ${unit} needed, ${free} ${unit} free`;
}

/**
 * The plan, where the file systems have an inode for every path that it makes, or replaces by rename, and for the run's own files.
 * Throws E-ROLE-SPACE before anything is sent: bytes may be free when no file can be made any more.
 */
export function withInodes(host: string, plan: HostPlan, facts: Facts): HostPlan {
  const paths = plan.steps.flatMap(({ change }) =>
    (change.records ?? []).flatMap(({ undo }) => (undo.do === "path" ? [undo.path] : [])),
  );
  const taken = tally(facts, facts.inodes);
  taken.count(journalFolder, inodesOfRun);
  for (const path of paths) taken.count(path, 1, dirname(path));
  taken.mustFit(host, (need, have) => `${plural(need, "inode")} needed, ${have} free`);
  return plan;
}

/** What a run takes of each file system, in order, and the most that it holds at a time. What `free` does not know is not counted. */
function tally(facts: Facts, free: Readonly<Record<string, number>>) {
  const disks = new Map<string, { now: number; need: number; have: number; path: string; largest: number }>();
  return {
    count(path: string, amount: number, folder = path): void {
      const known = knownAt(free, folder);
      if (known === undefined) return;
      const id = facts.disks[known.folder] ?? known.folder;
      const disk = disks.get(id) ?? { now: 0, need: 0, have: known.free, path, largest: amount };
      disk.now += amount;
      disk.need = Math.max(disk.need, disk.now);
      if (amount > disk.largest) Object.assign(disk, { path, largest: amount });
      disks.set(id, disk);
    },
    /** Throws for the first file system with too little, naming what takes most of it. */
    mustFit(host: string, numbers: (need: number, have: number) => string): void {
      for (const { path, need, have } of disks.values())
        if (have < need) throw spaceError(host, path, numbers(need, have));
    },
  };
}

/** Not enough room, in words with both numbers. */
function spaceError(host: string, path: string, numbers: string): OlympusError {
  return new OlympusError(`${host}: no space for ${path}: ${numbers}.`, {
    code: "E-ROLE-SPACE",
    exit: exitCodes.failed,
    where: host,
    hint: "Nothing was changed. Make room there (or a larger disk in the team file), then run the same command again.",
  });
}
