/**
 * The first of the marked commands that a script writes out, as its words in order, whatever stands between them: `terraform destroy` is
 * found in `sudo /usr/bin/terraform -chdir=x "destroy" -auto-approve`. A word that ends in `*` is a beginning. What a script does not write
 * out (a variable, a file that it runs, an encoding, a program that does the same) is not found: this is a question asked of those who
 * mean well, and no wall. The walls are the sandbox's.
 */
export function markedIn(script: string, commands: readonly string[]): string | undefined {
  const lines = script
    .replace(/\\\r?\n/g, " ")
    .replace(/["'\\]/g, "")
    .toLowerCase()
    .split(/[;&|(){}`\n]/)
    .map((line) => wordsOf(line).map((word) => word.slice(word.lastIndexOf("/") + 1)));
  return commands.find((command) => {
    const wanted = wordsOf(command.toLowerCase());
    return wanted.length > 0 && lines.some((words) => holds(words, wanted));
  });
}

const wordsOf = (line: string): string[] => line.split(/\s+/).filter((word) => word !== "");

function holds(words: readonly string[], wanted: readonly string[]): boolean {
  let at = 0;
  for (const word of words) {
    const next = wanted[at]!;
    if (next.endsWith("*") ? word.startsWith(next.slice(0, -1)) : word === next) at++;
    if (at === wanted.length) return true;
  }
  return false;
}
