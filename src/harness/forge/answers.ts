import type { Store } from "../store/open.ts";

/** Answers that are larger are asked for in full each time. */
const mostBytes = 512 * 1024;
/** Answers that nobody asked for again go after so long, ms. */
const keptFor = 7 * 24 * 3600_000;

export interface KeptAnswer {
  readonly etag: string;
  readonly body: string;
}

/** The last answer to a question, to be asked for with its ETag: GitHub does not count what did not change. */
export function keptAnswer(store: Store, key: string): KeptAnswer | undefined {
  return store.get<KeptAnswer & object>("SELECT etag, body FROM forge_answers WHERE key = ?", key);
}

export function keepAnswer(store: Store, key: string, { etag, body }: KeptAnswer, now: number): void {
  if (body.length > mostBytes) return;
  store.run(
    `INSERT INTO forge_answers VALUES (?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET etag = excluded.etag, body = excluded.body, at = excluded.at`,
    key,
    etag,
    body,
    now,
  );
}

export function dropOldAnswers(store: Store, now: number): void {
  store.run("DELETE FROM forge_answers WHERE at < ?", now - keptFor);
}
