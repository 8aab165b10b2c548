import { untilAnswered } from "../forge/patient.ts";
import { marked, markOf } from "./marks.ts";
import { type ForgeParts, isMe } from "./parts.ts";

export interface OnceAt {
  readonly repo: string;
  readonly number: number;
  /** Of the mark, and what it says: both together are once at an issue or pull request. */
  readonly kind: string;
  readonly id: string;
}

/** What came of a run: it says so once. */
export const outcomeMark = "outcome";

/** Writes a comment, unless it is there: a former process was killed after it, or the answer to it was lost. */
export async function commentOnce(
  parts: ForgeParts,
  { repo, number, kind, id }: OnceAt,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const { forge, key, settings } = parts;
  const place = { repo, login: settings.login };
  await untilAnswered(parts, signal, async () => {
    const comments = await forge.comments(repo, number);
    const there = comments.some(
      ({ author, body }) => isMe(settings, author.login) && markOf<{ id: string }>(key, kind, place, body)?.id === id,
    );
    if (!there) await forge.comment(repo, number, marked(text, key, kind, place, { id }));
  });
}
