import { maskSecrets } from "../../base/secret.ts";
import type { Store } from "../store/open.ts";
import { canonicalJson, mapTexts, type Plain } from "./canonical.ts";
import { beginning, type Link, linkHash } from "./chain.ts";

/**
 * `event`: something came in. `decision`: what was made of it. `act`: something was done in the agent's name. `refusal`: something was
 * wanted and not done. `gate`: a gate was opened, approved, closed. `head`: the log's head was told to the team.
 */
export type AuditKind = "event" | "decision" | "act" | "refusal" | "gate" | "head";

export interface AuditRecord {
  readonly kind: AuditKind;
  /** Who: `mattermost:<user id>`, `github:<login>`, `agent:<name>`, `harness`, or `model` for what a model wanted. */
  readonly actor: string;
  /** What, in a word or two: `merge`, `approved`, `push`. */
  readonly what: string;
  /** What it was about: a post, `olympus/app#3`, a commit. */
  readonly subject?: string | undefined;
  readonly run?: string | undefined;
  /** What shows it: ids, commits, hashes of texts. No texts of others. */
  readonly evidence?: { readonly [key: string]: Plain | undefined } | undefined;
}

/** Longer texts are cut: the log tells what happened, not what was said. */
const longest = 500;

/**
 * Writes an entry at the end of the log. Joins the transaction that it is called in: what happened and that it happened become durable
 * together. Known secrets in it are replaced by their names.
 */
export function audit(store: Store, record: AuditRecord, now: number): Link {
  return store.transaction(() => {
    const last = lastLink(store);
    const seq = (last?.seq ?? 0) + 1;
    const clean = mapTexts({ ...record } as Plain, (text) => cut(maskSecrets(text, store.secrets)));
    const entry = canonicalJson({ ...(clean as { [key: string]: Plain }), seq, at: new Date(now).toISOString() });
    const hash = linkHash(last?.hash ?? beginning, entry);
    store.run("INSERT INTO audit (seq, kind, entry, hash) VALUES (?, ?, ?, ?)", seq, record.kind, entry, hash);
    return { seq, entry, hash };
  });
}

export function lastLink(store: Store): Link | undefined {
  return store.get<{ seq: number; entry: string; hash: string }>(
    "SELECT seq, entry, hash FROM audit ORDER BY seq DESC LIMIT 1",
  );
}

/** Entries after number `after`, oldest first. */
export function linksAfter(store: Store, after: number, count: number): Link[] {
  return store.all<{ seq: number; entry: string; hash: string }>(
    "SELECT seq, entry, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
    after,
    count,
  );
}

/** By code points: half a pair would not be the same text everywhere. */
function cut(text: string): string {
  if (text.length <= longest) return text;
  return `${[...text.toWellFormed()].slice(0, longest).join("")}…`;
}
