/**
 * The lines that differ, `-` old and `+` new, with two lines around each change, as hunks of a unified diff: each headed by
 * `@@ -line,count +line,count @@`, unless all of the file is shown. Meant for configuration files: over 2,000 lines only the
 * counts are told.
 */
export function diffLines(before: string, after: string): string[] {
  const old = before === "" ? [] : before.replace(/\n$/, "").split("\n");
  const now = after === "" ? [] : after.replace(/\n$/, "").split("\n");
  if (old.length + now.length > 2_000) return [`${old.length} -> ${now.length} lines`];
  const all = script(old, now);
  const near = (at: number): boolean => all.slice(Math.max(0, at - 2), at + 3).some((line) => !line.startsWith(" "));
  const hunks: { readonly from: number; readonly to: number; readonly lines: string[] }[] = [];
  let [from, to] = [1, 1];
  let open = false;
  all.forEach((line, at) => {
    if (near(at) && !open) hunks.push({ from, to, lines: [] });
    open = near(at);
    if (open) hunks.at(-1)!.lines.push(line);
    if (!line.startsWith("+")) from += 1;
    if (!line.startsWith("-")) to += 1;
  });
  if (hunks.length === 1 && hunks[0]!.lines.length === all.length) return all;
  return hunks.flatMap((hunk) => [header(hunk), ...hunk.lines]);
}

function header({
  from,
  to,
  lines,
}: {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}) {
  const count = (sign: string): number => lines.filter((line) => !line.startsWith(sign)).length;
  const [before, after] = [count("+"), count("-")];
  // As diff -u has it: an empty side is named by the line before it.
  return `@@ -${before === 0 ? from - 1 : from},${before} +${after === 0 ? to - 1 : to},${after} @@`;
}

/** Longest common subsequence, written as an edit script. */
function script(old: readonly string[], now: readonly string[]): string[] {
  const width = now.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        old[i] === now[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push(` ${old[i]}`);
      i += 1;
      j += 1;
    } else if (j >= now.length || (i < old.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      lines.push(`-${old[i]}`);
      i += 1;
    } else {
      lines.push(`+${now[j]}`);
      j += 1;
    }
  }
  return lines;
}
