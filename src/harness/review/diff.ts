import { estimatedTokens } from "../budget.ts";
import type { PullFile } from "../forge-port.ts";

/** A change as a reviewer is shown it. */
export interface ShownDiff {
  /** Each line with its number in the new file: what findings name. */
  readonly text: string;
  readonly read: readonly string[];
  /** What is not in the text, and why. */
  readonly unread: readonly { readonly path: string; readonly why: string }[];
  /** Files of the change that the forge did not name: not in the text either. */
  readonly beyond: number;
}

/** Lines of the new file, by path, that a remark can stand on: those of the diff, its unchanged ones too. */
export type Places = ReadonlyMap<string, ReadonlySet<number>>;

interface Line {
  /** In the new file; undefined for a removed line. */
  readonly number: number | undefined;
  readonly text: string;
}

/** A patch's lines; `@@` lines begin a new count. */
export function linesOf(patch: string): Line[] {
  let next = 0;
  return patch.split("\n").flatMap((text): Line[] => {
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(text);
    if (hunk !== null) {
      next = Number(hunk[1]);
      return [{ number: undefined, text }];
    }
    if (text.startsWith("-")) return [{ number: undefined, text }];
    return text.startsWith("\\") || text === "" ? [] : [{ number: next++, text }];
  });
}

export function placesOf(files: readonly PullFile[]): Places {
  return new Map(
    files.map(({ path, patch }) => {
      const numbers = linesOf(patch ?? "").flatMap(({ number }) => (number === undefined ? [] : [number]));
      return [path, new Set(numbers)];
    }),
  );
}

/** As much of a change as fits into `tokens`, in whole files, small ones first: one huge file does not hide the others. */
export function showDiff(files: readonly PullFile[], tokens: number, beyond = 0): ShownDiff {
  const bySize = [...files].sort((a, b) => (a.patch?.length ?? 0) - (b.patch?.length ?? 0));
  const unread: { path: string; why: string }[] = [];
  const shown = new Map<string, string>();
  let room = tokens;
  for (const file of bySize) {
    if (file.patch === undefined) {
      const empty = file.additions + file.deletions === 0;
      if (!empty)
        unread.push({ path: file.path, why: `the forge does not show its ${file.additions + file.deletions} lines` });
      else if (file.status !== "renamed") unread.push({ path: file.path, why: "no text" });
      else shown.set(file.path, `renamed from ${file.from}, otherwise as it was`);
      continue;
    }
    const text = linesOf(file.patch)
      .map(({ number, text: line }) => `${number === undefined ? "     " : String(number).padStart(5)} ${line}`)
      .join("\n");
    const size = estimatedTokens(text) + 20;
    if (size > room)
      unread.push({ path: file.path, why: `${file.additions + file.deletions} lines, too long for one look` });
    else {
      room -= size;
      shown.set(file.path, text);
    }
  }
  const read = files.filter(({ path }) => shown.has(path));
  return {
    text: read
      .map(
        ({ path, status, from }) =>
          `=== ${path} (${status}${from === undefined ? "" : `, was ${from}`})\n${shown.get(path)}`,
      )
      .join("\n\n"),
    read: read.map(({ path }) => path),
    unread,
    beyond,
  };
}
