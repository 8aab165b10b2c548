import type { JournalEntry } from "./change.ts";
import { holdClaim } from "./claim-names.ts";
import { sharedFileRecord } from "./operations/paths.ts";

// What earlier releases wrote of some operations, in words of now. Told by their shape: the format's version is the same.

/** One name for all packages that an operation held is one for each of them. */
export function claimsNow(claims: readonly string[]): string[] {
  return claims.flatMap((claim) =>
    claim.startsWith("hold:") ? claim.slice("hold:".length).split(",").map(holdClaim) : [claim],
  );
}

/** Entries that undo too much, or cannot be undone, as they would be written now. */
export function entriesNow(entries: readonly JournalEntry[]): JournalEntry[] {
  return entries.flatMap((entry) => {
    const { resource, undo } = entry;
    if (undo.do === "command" && resource.startsWith("hold:")) return holdsOf(entry, undo.script);
    if (undo.do !== "path") return [entry];
    if (resource.startsWith("own:")) {
      // Of a file whose mode and owner alone were changed no content was saved.
      const { sha256: _, ...before } = undo.before;
      return [{ ...entry, undo: { ...undo, before } }];
    }
    // A file that was made for a line: others may have written to it since.
    return undo.before.type === "absent" && entries.some((one) => isLineOf(one, entry))
      ? [{ ...entry, ...sharedFileRecord(undo.path) }]
      : [entry];
  });
}

function holdsOf(entry: JournalEntry, script: string): JournalEntry[] {
  const [command, ...names] = script.split(" ");
  return names.map((name) => ({
    ...entry,
    resource: holdClaim(name),
    undo: { do: "command", summary: `no longer hold ${name}`, script: `${command} ${name}` },
  }));
}

/** The line that one operation wrote, in one go, into the file that the other entry speaks of. */
function isLineOf({ role, id, run, undo }: JournalEntry, file: JournalEntry): boolean {
  const same = role === file.role && id === file.id && run === file.run;
  return same && undo.do === "line" && file.undo.do === "path" && undo.path === file.undo.path;
}
