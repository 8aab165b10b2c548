/** Edits (insert, delete, replace, swap of neighbours) between two words. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(previous[j]! + 1, current[j - 1]! + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}

/** The known word that was probably meant, or undefined when none is close. Letter case is no difference. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 60) return undefined;
  const lower = word.toLowerCase();
  const allowed = Math.max(1, Math.round(word.length * 0.4));
  let best: { name: string; edits: number } | undefined;
  for (const name of known) {
    const edits = distance(lower, name.toLowerCase());
    if (edits <= allowed && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  const longer = known.filter((name) => lower.length > 2 && name.toLowerCase().startsWith(lower));
  return best?.name ?? (longer.length === 1 ? longer[0] : undefined);
}

/** `known: light, medium, heavy. Did you mean medium?`; long lists are cut. */
export function knownWords(word: string, known: readonly string[]): string {
  if (known.length === 0) return "None is known here.";
  const meant = nearest(word, known);
  if (meant !== undefined && known.length > 16) return `Did you mean ${meant}?`;
  const shown = known.length > 16 ? `${known.slice(0, 16).join(", ")} and ${known.length - 16} more` : known.join(", ");
  return `known: ${shown}.${meant === undefined ? "" : ` Did you mean ${meant}?`}`;
}
