import { createHash } from "node:crypto";
import { audit } from "../audit/audit.ts";
import type { Forge, ForgeReader } from "../forge-port.ts";
import type { Store } from "../store/open.ts";

interface Note {
  readonly what: string;
  readonly subject: string;
  readonly evidence: Readonly<Record<string, string>>;
  /** Names what is written only the first time that it happens. */
  readonly once?: string;
}

type Acts = Omit<Forge, keyof ForgeReader>;
type Notes = {
  readonly [A in keyof Acts]:
    | ((given: Parameters<Acts[A]>, made: Awaited<ReturnType<Acts[A]>>) => Note | undefined)
    | undefined;
};

const at = (repo: string, number: number): string => `${repo}#${number}`;
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What each act is in the log; undefined for what whoever does it writes there by itself, with more than is known here. */
const notes: Notes = {
  createIssue: undefined,
  // Both are a claim's, and its end.
  createBranch: undefined,
  deleteBranch: undefined,
  openPull: undefined,
  requestReviews: undefined,
  merge: undefined,
  closeIssue: ([repo, number]) => ({ what: "close an issue", subject: at(repo, number), evidence: {} }),
  addLabels: ([repo, number, labels]) => ({
    what: "label",
    subject: at(repo, number),
    evidence: { labels: labels.join(", ") },
  }),
  removeLabel: ([repo, number, label]) => ({ what: "unlabel", subject: at(repo, number), evidence: { labels: label } }),
  assign: ([repo, number, logins]) => ({
    what: "assign",
    subject: at(repo, number),
    evidence: { to: logins.join(", ") },
  }),
  unassign: ([repo, number, logins]) => ({
    what: "unassign",
    subject: at(repo, number),
    evidence: { to: logins.join(", ") },
  }),
  comment: ([repo, number, body], { id }) => ({
    what: "comment",
    subject: at(repo, number),
    evidence: { comment: String(id), sha256: hashOf(body) },
  }),
  // A claim is told to go on for as long as the work does: the log would be that and little else.
  editComment: ([repo, id]) => ({
    what: "edit a comment",
    subject: repo,
    evidence: { comment: String(id) },
    once: `comment-edited:${repo.toLowerCase()}:${id}`,
  }),
  editPull: ([repo, number]) => ({ what: "edit a pull request", subject: at(repo, number), evidence: {} }),
  submitReview: ([repo, number, { sha, verdict, body }], { id }) => ({
    what: "review",
    subject: at(repo, number),
    evidence: { review: String(id), commit: sha, verdict, sha256: hashOf(body) },
  }),
  editReview: ([repo, number, review, body]) => ({
    what: "edit a review",
    subject: at(repo, number),
    evidence: { review: String(review), sha256: hashOf(body) },
  }),
  dismissReview: ([repo, number, review]) => ({
    what: "dismiss a review",
    subject: at(repo, number),
    evidence: { review: String(review) },
  }),
  // A pending one asks for a look, which is written where it is decided; the others are verdicts that gates count.
  setStatus: ([repo, sha, { context, state }]) =>
    state === "pending" ? undefined : { what: "set a status", subject: `${repo}@${sha}`, evidence: { context, state } },
};

/** A forge whose acts are written into the audit log as soon as it took them; `run`: in which they are done, where that is known. */
export function auditedForge(
  forge: Forge,
  { store, clock }: { readonly store: Store; readonly clock: { now(): number } },
  run?: string,
): Forge {
  const write = ({ once, ...note }: Note): void =>
    store.transaction(() => {
      if (once !== undefined && store.meta(once) !== undefined) return;
      if (once !== undefined) store.setMeta(once, "1");
      audit(store, { kind: "act", actor: "harness", ...note, run }, clock.now());
    });
  return new Proxy(forge, {
    get(target, field) {
      const value: unknown = Reflect.get(target, field);
      if (typeof value !== "function") return value;
      const noteOf = (
        notes as Record<PropertyKey, ((given: unknown[], made: unknown) => Note | undefined) | undefined>
      )[field];
      if (noteOf === undefined) return value.bind(target);
      return async (...given: unknown[]) => {
        const made: unknown = await value.apply(target, given);
        const note = noteOf(given, made);
        if (note !== undefined) write(note);
        return made;
      };
    },
  });
}
