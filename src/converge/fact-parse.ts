import { exitCodes, OlympusError } from "../base/errors.ts";
import { parseCloud } from "./cloud.ts";
import {
  contentLimit,
  type Facts,
  type GroupFact,
  type HostState,
  type LockOwner,
  type PathFact,
  type PathType,
  type UnitFact,
  type UserFact,
} from "./facts.ts";
import { type RunRecord, readHistory } from "./history.ts";

interface Section {
  readonly name: string;
  readonly rest: string;
  readonly lines: string[];
}

const types: Record<number, PathType> = { 32768: "file", 16384: "directory", 40960: "link" };

/**
 * Reads the answer of a fact script. Throws E-ROLE-FACTS when its end is missing:
 * a short answer must never be taken for "nothing to do".
 */
export function parseFacts(text: string, marker: string): { facts: Facts; state: HostState } {
  const sections: Section[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith(`${marker} `)) {
      const [, name = "", rest = ""] = /^\S+ (\S+) ?(.*)$/.exec(line) ?? [];
      sections.push({ name, rest, lines: [] });
    } else if (line !== "") {
      sections.at(-1)?.lines.push(line);
    }
  }
  if (sections.at(-1)?.name !== "end") {
    throw new OlympusError("the host's answer was cut short", { code: "E-ROLE-FACTS", exit: exitCodes.failed });
  }
  const lines = (name: string): string[] => sections.filter((one) => one.name === name).flatMap((one) => one.lines);
  const rest = (name: string): string | undefined => sections.find((one) => one.name === name)?.rest;
  const lock = rest("lock");
  const claims = lines("claims");
  return {
    facts: {
      packages: parsePackages(lines("packages")),
      held: lines("packages")
        .map((line) => line.split("\t"))
        .flatMap(([name, , , want]) => (want === "hold" ? [name!] : [])),
      paths: parsePaths(lines("paths"), lines("hashes").concat(lines("content")), sections),
      users: parseUsers(lines("users")),
      groups: parseGroups(lines("groups")),
      units: parseUnits(lines("units")),
      commands: Object.fromEntries(
        sections
          .filter(({ name }) => name === "command")
          .map((one) => {
            const at = one.rest.indexOf(" ");
            return [one.rest.slice(at + 1), Number(one.rest.slice(0, at))];
          }),
      ),
      postgresql: parsePostgresql(lines("postgresql")),
      blobs: lines("blobs"),
      space: Object.fromEntries(
        lines("space").map((line) => {
          const [blocks, size, , , , path] = line.split("\t");
          return [path!, Number(blocks) * Number(size)];
        }),
      ),
      inodes: Object.fromEntries(
        lines("space").flatMap((line): [string, number][] => {
          const [, , all, free, , path] = line.split("\t");
          return all === "0" ? [] : [[path!, Number(free)]];
        }),
      ),
      disks: Object.fromEntries(
        lines("space").flatMap((line): [string, string][] => {
          const [, , , , disk, path] = line.split("\t");
          return disk === "0" ? [] : [[path!, disk!]];
        }),
      ),
    },
    state: {
      generation: rest("generation") ?? "",
      format: Number(rest("format") ?? 0),
      pending: lines("pending"),
      lock: lock === undefined ? undefined : (JSON.parse(lock) as LockOwner),
      claims: Object.fromEntries(
        claims.map((line) => {
          const { role, hash } = JSON.parse(line) as { role: string; hash: string };
          return [role, hash];
        }),
      ),
      allClaims: claims,
      journal: lines("journal"),
      history: lines("history"),
      untold: parseUntold(lines("untold"), rest("untold")),
      cloud: parseCloud(
        lines("cloud").join("\n"),
        sections.some(({ name }) => name === "cloud-running"),
      ),
      epoch: Number(lines("state")[0]),
    },
  };
}

/** `told`: the newest run whose end somebody knows. */
function parseUntold(lines: readonly string[], told: string | undefined): RunRecord | undefined {
  const newest = readHistory(lines).at(-1);
  return newest?.run === told || newest?.end?.code === 0 ? undefined : newest;
}

function parsePackages(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines
      .map((line) => line.split("\t"))
      .filter(([, status]) => status === "installed")
      .map(([name, , version]) => [name!, version!]),
  );
}

function parsePaths(
  lines: readonly string[],
  hashLines: readonly string[],
  sections: readonly Section[],
): Record<string, PathFact> {
  const hashes = new Map(hashLines.map((line) => [line.slice(66), line.slice(0, 64)]));
  const contents = new Map<string, string>();
  for (const { name, rest } of sections) {
    if (name !== "content") continue;
    const at = rest.indexOf(" ");
    const bytes = Buffer.from(rest.slice(0, at), "base64");
    if (bytes.length <= contentLimit) contents.set(rest.slice(at + 1), bytes.toString("utf8"));
  }
  return Object.fromEntries(
    lines.map((line) => {
      const [raw = "", mode = "", owner = "", group = "", size = "", ...names] = line.split("\t");
      const type = types[Number.parseInt(raw, 16) & 0xf000] ?? "other";
      const [path = "", target] = type === "link" ? names.join("\t").split(" -> ") : [names.join("\t")];
      const sha256 = hashes.get(path);
      const content = contents.get(path);
      const fact: PathFact = {
        type,
        mode: mode.padStart(4, "0"),
        owner,
        group,
        size: Number(size),
        ...(target === undefined ? {} : { target }),
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(content === undefined ? {} : { content }),
      };
      return [path, fact];
    }),
  );
}

function parseUsers(lines: readonly string[]): Record<string, UserFact> {
  return Object.fromEntries(
    lines.map((line) => {
      const [name, , uid, gid, , home, shell] = line.split(":");
      return [name!, { uid: Number(uid), gid: Number(gid), home: home!, shell: shell! }];
    }),
  );
}

function parseGroups(lines: readonly string[]): Record<string, GroupFact> {
  return Object.fromEntries(
    lines.map((line) => {
      const [name, , gid, members = ""] = line.split(":");
      return [name!, { gid: Number(gid), members: members.split(",").filter((member) => member !== "") }];
    }),
  );
}

/** Blocks of `Key=value` lines; each begins with its Id, and an alias (`Names`) is known by all its names. */
function parseUnits(lines: readonly string[]): Record<string, UnitFact> {
  const units: Record<string, UnitFact> = {};
  let block: Record<string, string> = {};
  const finish = (): void => {
    const fact = {
      load: block.LoadState ?? "",
      active: block.ActiveState ?? "",
      enabled: block.UnitFileState ?? "",
      stale: block.NeedDaemonReload === "yes",
    };
    for (const name of [block.Id, ...(block.Names ?? "").split(" ")]) if (name) units[name] = fact;
    block = {};
  };
  for (const line of lines) {
    const at = line.indexOf("=");
    const key = line.slice(0, at);
    if (key in block) finish();
    block[key] = line.slice(at + 1);
  }
  finish();
  return units;
}

function parsePostgresql(lines: readonly string[]): Facts["postgresql"] {
  if (lines.at(-1) !== "answered") return undefined;
  const rows = lines.slice(0, -1).map((line) => line.split("\t"));
  const pick = (kind: string): Record<string, string> =>
    Object.fromEntries(rows.filter(([first]) => first === kind).map(([, name, value]) => [name!, value!]));
  return { roles: pick("role"), databases: pick("database"), settings: pick("setting") };
}
