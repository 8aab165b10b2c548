import type { ForgePull, PullFile } from "../forge-port.ts";
import type { GateKind, Policy } from "./schema.ts";

/** What of a change the policy looks at. */
export interface Change {
  /** Of new, changed and removed files, and where renamed ones came from. */
  readonly paths: readonly string[];
  readonly labels: readonly string[];
  /** Added and deleted. */
  readonly lines: number;
  /** `paths` are not all: the forge's list ended before. */
  readonly cut: boolean;
}

interface Meant {
  readonly paths: readonly string[];
  readonly labels: readonly string[];
  readonly lines: number;
}

/** What the policy wants for a merge: everything that whoever approves must be trusted with, and who that is. */
export interface Needed {
  readonly kinds: readonly GateKind[];
  /** Names; undefined: whoever is trusted with the kinds. */
  readonly approvers: readonly string[] | undefined;
}

export function changeOf(pull: Pick<ForgePull, "labels" | "size">, files: readonly PullFile[]): Change {
  const paths = files.flatMap(({ path, from }) => (from === undefined ? [path] : [path, from]));
  const { additions, deletions, files: count } = pull.size;
  return { paths, labels: pull.labels, lines: additions + deletions, cut: files.length < count };
}

/** Lenses that a change needs, each once, in the policy's order. */
export function lensesFor(policy: Pick<Policy, "lenses">, change: Change): string[] {
  return [...new Set(policy.lenses.filter((rule) => isMeant(rule, change)).map(({ lens }) => lens))];
}

/** All rules that fit count together: nobody gets around a strict one by a second file for which another one stands. */
export function mergeNeeds(policy: Pick<Policy, "merge">, change: Change): Needed {
  const rules = policy.merge.filter((rule) => isMeant(rule, change));
  const named = rules.map(({ approvers }) => approvers).filter((approvers) => approvers.length > 0);
  const [first, ...others] = named;
  return {
    kinds: [...new Set<GateKind>(["merge", ...rules.map(({ kind }) => kind)])],
    approvers: first?.filter((name) => others.every((approvers) => approvers.includes(name))),
  };
}

function isMeant({ paths, labels, lines }: Meant, change: Change): boolean {
  // A path that is not known may be any.
  if (paths.length > 0 && !change.cut && !paths.some((pattern) => change.paths.some((path) => fits(pattern, path))))
    return false;
  if (labels.length > 0 && !labels.some((label) => change.labels.includes(label))) return false;
  return change.lines >= lines;
}

/** `**` stands for any folders, `*` for anything but a slash, `?` for one character. Names that begin with a dot are names like others. */
export function fits(pattern: string, path: string): boolean {
  const source = pattern.replace(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : `\\${part}`;
  });
  return new RegExp(`^${source}$`, "su").test(path);
}
