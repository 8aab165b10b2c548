/** One word of a POSIX shell, whatever is in it. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_/.:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Several words. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(" ");
}
