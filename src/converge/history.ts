import { existsSync, readFileSync, statSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { replaceFile } from "../base/durable.ts";
import { withFileLock } from "../base/lock.ts";
import { stateDir } from "../base/paths.ts";
import type { HostResult, HostState } from "./result.ts";

/** A run, as two lines of the host's history tell of it. */
export interface RunRecord {
  readonly run: string;
  readonly who: string;
  readonly what: string;
  /** Seconds since 1970, by the host's clock. */
  readonly since: number;
  readonly changes: number;
  /** Missing for a run that was killed, or is on its way. */
  readonly end?: { readonly ended: number; readonly code: number; readonly step: string };
}

/** Reads a host's history, oldest first. Lines that a crash cut off are left out. */
export function readHistory(lines: readonly string[]): RunRecord[] {
  const records = new Map<string, RunRecord>();
  for (const line of lines) {
    const one = parse(line);
    if (one === undefined) continue;
    const known = records.get(one.run);
    if (known === undefined && "who" in one) records.set(one.run, one);
    else if (known !== undefined && "ended" in one) {
      records.set(one.run, { ...known, end: { ended: one.ended, code: one.code, step: one.step } });
    }
  }
  return [...records.values()];
}

function parse(line: string): RunRecord | (RunRecord["end"] & { readonly run: string }) | undefined {
  try {
    const one: unknown = JSON.parse(line);
    // What is left of a line may be JSON of another kind.
    return typeof one === "object" && one !== null ? (one as RunRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** One command, as this computer remembers it. */
export interface LocalRecord {
  readonly v: 1;
  /** When it began, ISO 8601 in UTC. */
  readonly at: string;
  readonly what: string;
  readonly who: string;
  readonly ms: number;
  readonly exit: number;
  readonly hosts: readonly {
    readonly host: string;
    readonly state: HostState;
    readonly changed: number;
    /** Changes that a check found, or that were not made. */
    readonly pending: number;
    readonly error?: string;
  }[];
}

/** A command that began at `begun`, to be remembered; its first word says which. */
export function recordOf(what: string, begun: number, exit: number, hosts: readonly HostResult[]): LocalRecord {
  return {
    v: 1,
    at: new Date(begun).toISOString(),
    what,
    who: operator(),
    ms: Date.now() - begun,
    exit,
    hosts: hosts.map(({ host, state, changed, lines, error }) => ({
      host,
      state,
      changed,
      pending: state === "changed" ? 0 : lines.length,
      ...(error === undefined ? {} : { error: error.code }),
    })),
  };
}

/** `kim@laptop`, as others see it in a host's history, and when they find it locked. */
export const operator = (): string => `${userInfo().username}@${hostname()}`;

const fileOf = (team: string): string => stateDir(team, "role-history.jsonl");

/** Two weeks of a check every ten minutes. */
export const runsKept = 2000;

/** Adds a record to the team's history on this computer, which is there whole after a kill, and when several processes add to it. */
export async function remember(team: string, record: LocalRecord): Promise<void> {
  const file = fileOf(team);
  await withFileLock(`${file}.lock`, {}, () => {
    const records = kept([...localHistory(team), record]);
    return replaceFile(file, records.map((one) => `${JSON.stringify(one)}\n`).join(""), 0o644);
  });
}

/** The newest runs, and of older ones those that tell how a host was last seen, and when it was last as wished. */
function kept(records: readonly LocalRecord[]): LocalRecord[] {
  const [seen, wished] = [new Set<string>(), new Set<string>()];
  return records
    .toReversed()
    .filter((record, at) => {
      const before = seen.size + wished.size;
      for (const { host, state } of record.hosts) {
        if (tellsOf(record, state)) seen.add(host);
        if (leftAsWished(record, state)) wished.add(host);
      }
      return at < runsKept || seen.size + wished.size > before;
    })
    .reverse();
}

/** Whether a run tells how far a host is from what is wished. What somebody looked at and did not do, a reset say, does not. */
export function tellsOf({ what }: LocalRecord, state: HostState): boolean {
  return state !== "failed" && state !== "left" && (state !== "pending" || /^(check|setup)\b/.test(what));
}

/** Whether a host was as wished after a run. */
export function leftAsWished({ what }: LocalRecord, state: HostState): boolean {
  return (state === "as-wished" || state === "changed") && !/^(reset|rollback)\b/.test(what);
}

/** Another word whenever `localHistory` would give something else: it is long where many hosts are often looked at. */
export function historyStamp(team: string): string {
  const file = fileOf(team);
  const stat = statSync(file, { throwIfNoEntry: false });
  return `${file} ${stat?.ino} ${stat?.mtimeMs} ${stat?.size}`;
}

/** What this computer did to the team's hosts, oldest first. */
export function localHistory(team: string): LocalRecord[] {
  const file = fileOf(team);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      const record = parse(line) as unknown as LocalRecord | undefined;
      return record === undefined ? [] : [record];
    });
}
