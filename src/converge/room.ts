import { dirname } from "node:path";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import { type FactRequest, type Facts, knownAt } from "./facts.ts";
import type { LocalFile } from "./operations.ts";
import { journalFolder } from "./places.ts";
import type { HostPlan } from "./plan.ts";

/** A packed folder or a file, and where it will lie. */
export interface SentBlob {
  readonly hash: string;
  readonly file: LocalFile;
  readonly to: string;
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

/** Room for what is sent, and for each archive unpacked. Throws E-ROLE-SPACE before anything is sent. */
export function checkBytes(host: string, blobs: readonly SentBlob[], facts: Facts): void {
  const needs: [string, number][] = [];
  for (const { file, to, missing, room } of blobs) {
    if (missing) needs.push([journalFolder, file.size]);
    needs.push([to, room]);
  }
  const mb = (bytes: number): string => `${Math.ceil(bytes / 1_000_000)} MB`;
  for (const path of new Set(needs.map(([path]) => path))) {
    const need = needs.filter(([other]) => other === path).reduce((sum, [, bytes]) => sum + bytes, 0);
    const have = knownAt(facts.space, path)?.free;
    if (have !== undefined && have < need) throw spaceError(host, path, `${mb(need)} needed, ${mb(have)} free`);
  }
}

/**
 * The plan, where the file systems have an inode for every path that it makes, or replaces by rename, and for the run's own files.
 * Throws E-ROLE-SPACE before anything is sent: bytes may be free when no file can be made any more.
 */
export function withInodes(host: string, plan: HostPlan, facts: Facts): HostPlan {
  const paths = plan.steps.flatMap(({ change }) =>
    (change.records ?? []).flatMap(({ undo }) => (undo.do === "path" ? [undo.path] : [])),
  );
  const needs = new Map<string, { path: string; need: number; have: number }>();
  const count = (path: string, inodes: number): void => {
    const known = knownAt(facts.inodes, dirname(path));
    if (known === undefined) return;
    const { path: first = path, need = 0 } = needs.get(known.folder) ?? {};
    needs.set(known.folder, { path: first, need: need + inodes, have: known.free });
  };
  count(journalFolder, inodesOfRun);
  for (const path of paths) count(path, 1);
  for (const { path, need, have } of needs.values()) {
    if (have < need) throw spaceError(host, path, `${plural(need, "inode")} needed, ${have} free`);
  }
  return plan;
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
