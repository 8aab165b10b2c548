import { audit } from "../audit/audit.ts";
import type { Store } from "../store/open.ts";
import {
  type Approval,
  closed,
  type Gate,
  type GateWish,
  gateId,
  newGate,
  opened,
  overrule,
  whyAnew,
  whyNot,
  whyOver,
  withLenses,
} from "./gate.ts";
import { looksLikeGates } from "./words.ts";

/** Gates as they stand in the store. Every change of one, and every try to open one that fails, goes into the audit log with it. */

export function gateOf(store: Store, id: string): Gate | undefined {
  const row = store.get<{ value: string }>("SELECT value FROM gates WHERE id = ?", id);
  return row && (JSON.parse(row.value) as Gate);
}

/** The gate that a text names beside a word of approval, and is no gate's word. */
export function namedGate(store: Store, text: string): Gate | undefined {
  for (const id of looksLikeGates(text)) {
    const gate = gateOf(store, id);
    if (gate !== undefined) return gate;
  }
  return undefined;
}

/** Those that may still lead to something, the oldest first. */
export function liveGates(store: Store): Gate[] {
  return store
    .all<{ value: string }>("SELECT value FROM gates WHERE state IN ('waiting', 'asked', 'open') ORDER BY rowid")
    .map(({ value }) => JSON.parse(value) as Gate);
}

/**
 * The gate for what is wished; made when there is none. Another one takes its place where other kinds, people, lenses or another base are
 * wanted by now, or its time is over: people are asked anew, and `given`, approvals that are there already, do not open that one.
 */
export function wishGate(
  store: Store,
  wish: GateWish,
  now: number,
  expireHours: number,
  given: readonly string[] = [],
): Gate {
  return store.transaction(() => {
    let time = 1;
    while (gateOf(store, gateId(wish, time + 1)) !== undefined) time++;
    const known = gateOf(store, gateId(wish, time));
    if (known === undefined) return wished(store, newGate(wish, now, expireHours), now);
    const why = whyAnew(known, wish);
    if (why === undefined) return known;
    closeGate(store, known, why, "harness", now);
    const { before } = known;
    const next = newGate(wish, now, expireHours, time + 1);
    return wished(store, { ...next, former: given, ...(before !== undefined && { before }) }, now);
  });
}

const wished = (store: Store, gate: Gate, now: number): Gate =>
  save(store, gate, "harness", "wished", now, { kinds: gate.kinds, lenses: gate.lenses });

/** Takes note of lenses that passed for the gate's commit. */
export function lensesPassed(store: Store, gate: Gate, passed: readonly string[], now: number): Gate {
  const next = withLenses(gate, passed);
  if (next.state === gate.state) return gate;
  return save(store, next, "harness", next.state === "asked" ? "asked" : "waits", now, { passed });
}

/** Opens a gate, or says why not. Either stands in the audit log. */
export function approve(store: Store, gate: Gate, approval: Approval, actor: string, now: number): Gate | string {
  return store.transaction(() => {
    const current = gateOf(store, gate.id) ?? gate;
    const refused = whyNot(current, approval, now);
    if (refused !== undefined) return refuse(store, current, "approve", refused, actor, approval.evidence, now);
    const next = opened(current, approval.person!.name, approval.evidence);
    return save(store, next, actor, "opened", now, { person: approval.person!.name, with: approval.evidence });
  });
}

/** Lets a gate pass without a lens that did not; the person and the reason stay in the log. */
export function overruleLens(
  store: Store,
  gate: Gate,
  approval: Approval,
  lens: string,
  reason: string,
  actor: string,
  now: number,
): Gate | string {
  return store.transaction(() => {
    const next = overrule(gate, approval, [lens], now);
    if (typeof next === "string") return refuse(store, gate, "overrule", next, actor, approval.evidence, now);
    return save(store, next, actor, "overruled", now, { lens, reason, person: approval.person!.name });
  });
}

export function closeGate(store: Store, gate: Gate, reason: string, actor: string, now: number): Gate {
  const next = closed(gate, reason);
  return next === gate ? gate : save(store, next, actor, "closed", now, { reason });
}

/**
 * Closes gates that nobody can use any more, whatever becomes of their pull request: nobody approved in time, or the run that asked in its
 * middle is over. Whether an act that is allowed still stands is looked at before it.
 */
export function closeOver(store: Store, now: number): void {
  const runs = "SELECT 1 FROM runs WHERE id = ? AND state IN ('running', 'delivering')";
  for (const gate of liveGates(store)) {
    const orphan = gate.repo === "" && store.get(runs, gate.run) === undefined;
    const over = orphan ? "the run that asked is over" : gate.state === "open" ? undefined : whyOver(gate, now);
    if (over !== undefined) closeGate(store, gate, over, "harness", now);
  }
}

/** The act begins; it may take long, and this process may not see its end. */
export function gateBegun(store: Store, gate: Gate, now: number): Gate {
  return save(store, { ...gate, begun: now }, "harness", "begun", now, { opened: gate.openedBy });
}

/** The act did not happen, or nobody knows: to try it again takes another approval. */
export function gateAgain(store: Store, gate: Gate, reason: string, now: number): Gate {
  const { begun, openedBy, openedWith, askedIn, post, former = [], ...rest } = gate;
  const next: Gate = { ...rest, state: "asked", former: openedWith === undefined ? former : [...former, openedWith] };
  return save(store, next, "harness", "asked again", now, { reason, opened: openedBy });
}

/** The act happened. */
export function gateDone(store: Store, gate: Gate, evidence: Record<string, string>, now: number): Gate {
  return save(store, { ...gate, state: "done" }, "harness", "done", now, { ...evidence, opened: gate.openedBy });
}

/** What was there before a deployment: where a way back leads. */
export function gateBefore(store: Store, gate: Gate, before: string, now: number): Gate {
  return save(store, { ...gate, before }, "harness", "noted", now, { before });
}

/** People were asked for it: in the answer of a run, or in a post of its own. */
export function gateAsked(store: Store, gate: Gate, at: Pick<Gate, "askedIn" | "post">, now: number): Gate {
  // Somebody may have answered before the server told us that the question is there.
  const current = gateOf(store, gate.id) ?? gate;
  return save(store, { ...current, ...at }, "harness", "told", now, { ...at });
}

/** The one gate that a post of ours asks for. A post for several is none's: which is meant has to be said in words. */
export function gateOfPost(store: Store, post: string): Gate | undefined {
  const found = store.all<{ value: string }>(
    `SELECT value FROM gates WHERE value ->> 'post' = ?1
     OR value ->> 'askedIn' IN (SELECT run FROM outbox WHERE target_id = ?1 AND state = 'sent')`,
    post,
  );
  return found.length === 1 ? (JSON.parse(found[0]!.value) as Gate) : undefined;
}

/** Posts that ask for gates which are still to be opened. */
export function askingPosts(store: Store): string[] {
  return liveGates(store).flatMap(({ state, post, askedIn }) => {
    if (state !== "asked") return [];
    if (post !== undefined) return [post];
    return store
      .all<{ id: string }>("SELECT target_id AS id FROM outbox WHERE run = ? AND state = 'sent'", askedIn ?? "")
      .map(({ id }) => id);
  });
}

/** Something privileged was wanted that no gate allows. */
export function refuse(
  store: Store,
  gate: Gate,
  what: string,
  reason: string,
  actor: string,
  evidence: string,
  now: number,
): string {
  audit(
    store,
    {
      kind: "refusal",
      actor,
      what: `${what} ${gate.action}`,
      subject: about(gate),
      run: gate.run,
      evidence: { gate: gate.id, reason, with: evidence },
    },
    now,
  );
  return reason;
}

export const about = ({ repo, number, commit }: Pick<Gate, "repo" | "number" | "commit">) =>
  commit === "" ? "" : `${repo}#${number}@${commit}`;

function save(
  store: Store,
  gate: Gate,
  actor: string,
  what: string,
  now: number,
  evidence: Parameters<typeof audit>[1]["evidence"],
): Gate {
  return store.transaction(() => {
    store.run(
      `INSERT INTO gates (id, state, value) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, value = excluded.value`,
      gate.id,
      gate.state,
      JSON.stringify(gate),
    );
    const record = { kind: "gate", actor, what, subject: about(gate), run: gate.run } as const;
    audit(store, { ...record, evidence: { gate: gate.id, action: gate.action, ...evidence } }, now);
    return gate;
  });
}
