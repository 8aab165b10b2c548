/**
 * The lines that differ, `-` old and `+` new, with two lines around each change. Meant for configuration files:
 * over 2,000 lines only the counts are told.
 */
export function diffLines(before: string, after: string): string[] {
  const old = before === "" ? [] : before.replace(/\n$/, "").split("\n");
  const now = after === "" ? [] : after.replace(/\n$/, "").split("\n");
  if (old.length + now.length > 2_000) return [`${old.length} -> ${now.length} lines`];
  const all = script(old, now);
  const near = (at: number): boolean => all.slice(Math.max(0, at - 2), at + 3).some((line) => !line.startsWith(" "));
  const shown: string[] = [];
  all.forEach((line, at) => {
    if (near(at)) shown.push(line);
    else if (shown.at(-1) !== "…") shown.push("…");
  });
  return shown.filter((line, at) => line !== "…" || (at > 0 && at < shown.length - 1));
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
