import type { Git } from "./git.ts";

/** A file of a diff. `patch` as GitHub gives it: the hunks alone, absent for what is not text. */
export interface FileDiff {
  readonly path: string;
  readonly previous: string | undefined;
  readonly status: "added" | "removed" | "modified" | "renamed";
  readonly sha: string;
  readonly additions: number;
  readonly deletions: number;
  readonly patch: string | undefined;
}

const kinds = { A: "added", D: "removed", R: "renamed" } as const;

/** What changed from `base` to `head`, with renames found as GitHub finds them. */
export async function diffOf(git: Git, repo: number, base: string, head: string): Promise<FileDiff[]> {
  const common = ["-c", "core.quotepath=off", "diff", "--no-color", "--no-ext-diff", "--no-textconv", "-M"];
  const [raw, stat, patches] = await Promise.all([
    git.run(repo, [...common, "--raw", "--abbrev=40", "-z", base, head]),
    git.run(repo, [...common, "--numstat", "-z", base, head]),
    git.run(repo, [...common, base, head]),
  ]);
  const counts = countsOf(stat);
  const texts = `\n${patches}`.split(/\ndiff --git /).slice(1);
  const fields = raw.split("\0");
  const files: FileDiff[] = [];
  for (let at = 0; at < fields.length && fields[at] !== ""; ) {
    const [, , before, after, letter] = fields[at]!.split(" ") as [string, string, string, string, string];
    const renamed = letter.startsWith("R");
    const previous = renamed ? fields[at + 1] : undefined;
    const path = fields[at + (renamed ? 2 : 1)]!;
    const text = texts[files.length] ?? "";
    const hunks = text.search(/^@@ /m);
    files.push({
      path,
      previous,
      status: kinds[letter[0] as keyof typeof kinds] ?? "modified",
      sha: letter === "D" ? before : after,
      ...(counts.get(path) ?? { additions: 0, deletions: 0 }),
      patch: hunks < 0 ? undefined : text.slice(hunks).trimEnd(),
    });
    at += renamed ? 3 : 2;
  }
  return files;
}

function countsOf(stat: string): Map<string, { additions: number; deletions: number }> {
  const counts = new Map<string, { additions: number; deletions: number }>();
  const fields = stat.split("\0");
  for (let at = 0; at < fields.length && fields[at] !== ""; at++) {
    const [added, removed, path] = fields[at]!.split("\t") as [string, string, string];
    // A rename has its two names in fields of their own.
    const name = path === "" ? fields[at + 2]! : path;
    if (path === "") at += 2;
    counts.set(name, { additions: Number(added) || 0, deletions: Number(removed) || 0 });
  }
  return counts;
}

/** Where a line stands in a patch: its position (lines below the first hunk's header) and the hunk up to it; undefined: not in the diff. */
export function placeOf(
  patch: string | undefined,
  line: number,
  side: "LEFT" | "RIGHT",
): { position: number; hunk: string } | undefined {
  let left = 0;
  let right = 0;
  let begin = 0;
  const lines = (patch ?? "").split("\n");
  for (const [position, text] of lines.entries()) {
    const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text);
    if (header !== null) {
      [left, right, begin] = [Number(header[1]), Number(header[2]), position];
      continue;
    }
    const sign = text[0];
    if (sign === "\\") continue;
    const found =
      (side === "RIGHT" && sign !== "-" && right === line) || (side === "LEFT" && sign !== "+" && left === line);
    if (found) return { position, hunk: lines.slice(begin, position + 1).join("\n") };
    if (sign !== "+") left++;
    if (sign !== "-") right++;
  }
  return undefined;
}
