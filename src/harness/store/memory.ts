import type { Store } from "./open.ts";

/** Something the agent was asked to keep. A `fact` is told to the model in every run, a `note` where it fits the question. */
export interface Note {
  readonly id: number;
  readonly kind: "note" | "fact";
  readonly text: string;
  /** The chat's id of who said it, and the name then. */
  readonly author: string;
  readonly name: string;
  readonly at: number;
}

const columns = "notes.id, notes.kind, notes.text, author, name, at";

/** Keeps a note; the same post twice is one note. Gives its number. */
export function keepNote(store: Store, note: Omit<Note, "id">, source: string): number {
  return store.transaction(() => {
    store.run(
      "INSERT INTO notes (kind, text, author, name, at, source) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source) DO NOTHING",
      note.kind,
      note.text,
      note.author,
      note.name,
      note.at,
      source,
    );
    return store.get<{ id: number }>("SELECT id FROM notes WHERE source = ?", source)!.id;
  });
}

/** Undefined when there is none with that number. */
export function noteOf(store: Store, id: number): Note | undefined {
  return store.get<Note>(`SELECT ${columns} FROM notes WHERE id = ?`, id);
}

/** Deletes a note for good; false when there is none with that number. */
export function dropNote(store: Store, id: number): boolean {
  return store.run("DELETE FROM notes WHERE id = ?", id).changes > 0;
}

export function countNotes(store: Store, kind: Note["kind"]): number {
  return store.get<{ n: number }>("SELECT count(*) AS n FROM notes WHERE kind = ?", kind)!.n;
}

/** All of a kind, the newest first. */
export function listNotes(store: Store, kind: Note["kind"], count: number): Note[] {
  return store.all<Note>(`SELECT ${columns} FROM notes WHERE kind = ? ORDER BY id DESC LIMIT ?`, kind, count);
}

/** Words that say nothing of what a question is about. */
const common = new Set(
  "about all and any are but can did does for from had has have her him his how into its may not now one our out please she should some than that the their them then there they this was were what when where which who why will with would you your".split(
    " ",
  ),
);

/** Notes that share words with a text, those that fit best first. */
export function findNotes(store: Store, text: string, count: number): Note[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  const wanted = [...new Set(words)].filter((word) => !common.has(word)).slice(0, 32);
  if (wanted.length === 0) return [];
  // Each word in quotes: whatever stands in it is never FTS5's own syntax.
  const query = wanted.map((word) => `"${word}"`).join(" OR ");
  return store.all<Note>(
    `SELECT ${columns} FROM notes_text JOIN notes ON notes.id = notes_text.rowid
     WHERE notes_text MATCH ? AND notes.kind = 'note' ORDER BY bm25(notes_text), notes.id DESC LIMIT ?`,
    query,
    count,
  );
}
