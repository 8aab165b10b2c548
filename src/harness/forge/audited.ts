import { createHash } from "node:crypto";
import { audit } from "../audit/audit.ts";
import { type Forge, ForgeError, type ForgeReader } from "../forge-port.ts";
import type { Store } from "../store/open.ts";

/** What an act is in the log. */
interface Act {
  readonly what: string;
  readonly subject: string;
  readonly evidence: Readonly<Record<string, string>>;
  /** How the evidence names the id that the forge answers with. */
  readonly idAs?: string;
  /** Names what is written only the first time that it happens. */
  readonly once?: string;
  /** Whoever does it writes by itself that it is done, with more than is known here, as soon as it has the answer. */
  readonly theirs?: boolean;
}

type Acts = Omit<Forge, keyof ForgeReader>;

const at = (repo: string, number: number): string => `${repo}#${number}`;
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

const acts: { readonly [A in keyof Acts]: (...given: Parameters<Acts[A]>) => Act } = {
  createIssue: (repo, { body }) => ({
    what: "open an issue",
    subject: repo,
    evidence: { sha256: hashOf(body) },
    theirs: true,
  }),
  // Both are a claim's, and its end.
  createBranch: (repo, branch, commit) => ({
    what: "make a branch",
    subject: repo,
    evidence: { branch, commit },
    theirs: true,
  }),
  deleteBranch: (repo, branch) => ({ what: "delete a branch", subject: repo, evidence: { branch }, theirs: true }),
  openPull: (repo, { head, body }) => ({
    what: "open a pull request",
    subject: repo,
    evidence: { branch: head, sha256: hashOf(body) },
    theirs: true,
  }),
  requestReviews: (repo, number, logins) => ({
    what: "ask for reviews",
    subject: at(repo, number),
    evidence: { to: logins.join(", ") },
    theirs: true,
  }),
  merge: (repo, number, commit) => ({ what: "merge", subject: at(repo, number), evidence: { commit }, theirs: true }),
  closeIssue: (repo, number) => ({ what: "close an issue", subject: at(repo, number), evidence: {} }),
  addLabels: (repo, number, labels) => ({
    what: "label",
    subject: at(repo, number),
    evidence: { labels: labels.join(", ") },
  }),
  removeLabel: (repo, number, labels) => ({ what: "unlabel", subject: at(repo, number), evidence: { labels } }),
  assign: (repo, number, logins) => ({
    what: "assign",
    subject: at(repo, number),
    evidence: { to: logins.join(", ") },
  }),
  unassign: (repo, number, logins) => ({
    what: "unassign",
    subject: at(repo, number),
    evidence: { to: logins.join(", ") },
  }),
  comment: (repo, number, body) => ({
    what: "comment",
    subject: at(repo, number),
    evidence: { sha256: hashOf(body) },
    idAs: "comment",
  }),
  // A claim is told to go on for as long as the work does: the log would be that and little else.
  editComment: (repo, id) => ({
    what: "edit a comment",
    subject: repo,
    evidence: { comment: String(id) },
    once: `comment-edited:${repo.toLowerCase()}:${id}`,
  }),
  editPull: (repo, number) => ({ what: "edit a pull request", subject: at(repo, number), evidence: {} }),
  submitReview: (repo, number, { sha, verdict, body }) => ({
    what: "review",
    subject: at(repo, number),
    evidence: { commit: sha, verdict, sha256: hashOf(body) },
    idAs: "review",
  }),
  editReview: (repo, number, review, body) => ({
    what: "edit a review",
    subject: at(repo, number),
    evidence: { review: String(review), sha256: hashOf(body) },
  }),
  dismissReview: (repo, number, review) => ({
    what: "dismiss a review",
    subject: at(repo, number),
    evidence: { review: String(review) },
  }),
  // A pending one asks for a look, which is written where it is decided; the others are verdicts that gates count.
  setStatus: (repo, sha, { context, state }) => ({
    what: "set a status",
    subject: `${repo}@${sha}`,
    evidence: { context, state },
    theirs: state === "pending",
  }),
};

/** What the store keeps of an act from before it is asked until its end is known; empty once the log says that it may have been done. */
type Begun = Pick<Act, "what" | "subject" | "evidence"> & { readonly run?: string | undefined; readonly at: number };

const begunKeys = "act-begun:";

function writeDoubt(store: Store, { what, subject, evidence, run, at }: Begun, end: string, now: number): void {
  const known = { ...evidence, begun: new Date(at).toISOString(), end: `${end}: it may have been done` };
  audit(store, { kind: "act", actor: "harness", what: `begin to ${what}`, subject, run, evidence: known }, now);
}

/** Writes down what a former process began to do on the forge and was killed before it knew the end. Called before anything is begun. */
export function writeLeftActs(store: Store, now: number): void {
  store.transaction(() => {
    const left = store.all<{ value: string }>(
      "SELECT value FROM meta WHERE key GLOB ? AND value <> '' ORDER BY rowid",
      `${begunKeys}*`,
    );
    for (const { value } of left) writeDoubt(store, JSON.parse(value) as Begun, "the process ended", now);
    store.run("DELETE FROM meta WHERE key GLOB ?", `${begunKeys}*`);
  });
}

interface Parts {
  readonly store: Store;
  readonly clock: { now(): number };
}

/** Whether nothing was done: the forge said so itself. */
const isRefused = (error: unknown): boolean =>
  error instanceof ForgeError && (error.kind !== "retry" || error.retryAfterMs !== undefined);

/**
 * Does an act that is noted before it is asked; `done` writes it down, in the transaction that ends the note. One whose end nobody gets to
 * know is written as begun, here or by `writeLeftActs`. `id` is that of the same act tried again, too: its doubt is written once.
 */
export async function beginAct<T>(
  { store, clock }: Parts,
  act: Pick<Begun, "what" | "subject" | "evidence" | "run">,
  id: string,
  work: () => Promise<T>,
  done: (made: T) => void,
): Promise<T> {
  const begun: Begun = { ...act, at: clock.now() };
  const key = `${begunKeys}${id}`;
  const forget = () => void store.run("DELETE FROM meta WHERE key = ?", key);
  store.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO NOTHING", key, JSON.stringify(begun));
  let made: T;
  try {
    made = await work();
  } catch (error) {
    const refused = isRefused(error);
    store.transaction(() => {
      if (!refused && store.meta(key) !== "") writeDoubt(store, begun, "no answer came", clock.now());
      if (refused) forget();
      else store.setMeta(key, "");
    });
    throw error;
  }
  store.transaction(() => {
    forget();
    done(made);
  });
  return made;
}

/**
 * A forge whose acts are written into the audit log as soon as it took them, by `beginAct`; `run`: in which they are done, where that is
 * known.
 */
export function auditedForge(forge: Forge, parts: Parts, run?: string): Forge {
  const { store, clock } = parts;
  const isWritten = (once: string | undefined) => once !== undefined && store.meta(once) !== undefined;
  return new Proxy(forge, {
    get(target, field) {
      const value: unknown = Reflect.get(target, field);
      if (typeof value !== "function") return value;
      const actOf = (acts as Record<PropertyKey, ((...given: unknown[]) => Act) | undefined>)[field];
      if (actOf === undefined) return value.bind(target);
      return async (...given: unknown[]) => {
        const { idAs, once, theirs, ...act } = actOf(...given);
        const work = (): Promise<unknown> => value.apply(target, given);
        if (isWritten(once)) return work();
        const key = once ?? hashOf(JSON.stringify([run, field, ...given]));
        return beginAct(parts, { ...act, run }, key, work, (made) => {
          if (theirs === true || isWritten(once)) return;
          if (once !== undefined) store.setMeta(once, "1");
          const id = idAs === undefined ? {} : { [idAs]: String((made as { id: number }).id) };
          const record = { ...act, run, evidence: { ...act.evidence, ...id } };
          audit(store, { kind: "act", actor: "harness", ...record }, clock.now());
        });
      };
    },
  });
}
