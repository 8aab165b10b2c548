import { createHash } from "node:crypto";
import { audit } from "../audit/audit.ts";
import type { Store } from "./open.ts";
import type { OpenRun } from "./runs.ts";

/** One thing to be said. `payload` is the adapter's business; `run` and `part` make it recognisable on the other side. */
export interface OutboxPart {
  readonly id: number;
  readonly run: string;
  readonly part: number;
  readonly payload: string;
  readonly attempts: number;
  /** When the run handed it over, ms. */
  readonly createdAt: number;
}

/** An answer, or the rest of one, that will never be delivered. */
export interface DroppedAnswer {
  readonly run: string;
  readonly at: number | null;
  readonly reason: string;
}

/** What was attached is megabytes, and no longer needed once its part is done. */
const withoutFiles = "json_remove(payload, '$.files')";

/** Hands a run's answer over for delivery: the answer and the run's new state become durable together. */
export function handOver(store: Store, run: OpenRun, payloads: readonly object[], outcome: string, now: number): void {
  store.transaction(() => {
    payloads.forEach((payload, part) => {
      store.run(
        "INSERT INTO outbox (run, part, payload, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (run, part) DO NOTHING",
        run.id,
        part,
        JSON.stringify(payload),
        now,
      );
    });
    store.run("UPDATE runs SET state = 'delivering', outcome = ? WHERE id = ?", outcome, run.id);
  });
}

/** The next part of a run to be sent, in order. */
export function nextPart(store: Store, run: string): OutboxPart | undefined {
  return store.get<OutboxPart>(
    "SELECT id, run, part, payload, attempts, created_at AS createdAt FROM outbox WHERE run = ? AND state = 'pending' ORDER BY part LIMIT 1",
    run,
  );
}

/** Notes that sending begins. Written before the request leaves, so that after a crash we know to look before sending again. */
export function markAttempt(store: Store, part: OutboxPart): void {
  store.run("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", part.id);
}

export function markSent(store: Store, part: OutboxPart, targetId: string, now: number): void {
  const evidence = { part: part.part, sha256: createHash("sha256").update(part.payload).digest("hex") };
  store.transaction(() => {
    store.run(
      `UPDATE outbox SET state = 'sent', target_id = ?, sent_at = ?, payload = ${withoutFiles} WHERE id = ?`,
      targetId,
      now,
      part.id,
    );
    audit(store, { kind: "act", actor: "harness", what: "post", subject: targetId, run: part.run, evidence }, now);
  });
}

/** Gives a part up, and with it those after it: the end of an answer without its beginning misleads. */
export function drop(store: Store, part: OutboxPart, reason: string): void {
  store.run(
    `UPDATE outbox SET state = 'dead', payload = ${withoutFiles}, error = CASE id WHEN ? THEN ? ELSE 'an earlier part was not delivered' END
     WHERE run = ? AND state = 'pending'`,
    part.id,
    reason,
    part.run,
  );
}

/** Why a run's answer was not delivered (whole); undefined when it was. */
export function dropReason(store: Store, run: string): string | undefined {
  return store.get<{ error: string }>(
    "SELECT error FROM outbox WHERE run = ? AND state = 'dead' ORDER BY part LIMIT 1",
    run,
  )?.error;
}

/** The newest answers that were given up since a time (ms), with the reason of each; not those of runs that somebody stopped. */
export function droppedAnswers(store: Store, count: number, since = 0): DroppedAnswer[] {
  return store.all<DroppedAnswer>(
    `SELECT outbox.run, ended_at AS at, error AS reason FROM outbox JOIN runs ON runs.id = outbox.run
     WHERE outbox.state = 'dead' AND part = (SELECT min(part) FROM outbox AS o WHERE o.run = outbox.run AND o.state = 'dead')
       AND outbox.error IS NOT runs.outcome AND coalesce(ended_at, started_at) >= ?
     ORDER BY started_at DESC LIMIT ?`,
    since,
    count,
  );
}

export function pendingParts(store: Store): number {
  return store.get<{ n: number }>("SELECT count(*) AS n FROM outbox WHERE state = 'pending'")!.n;
}

/** When the oldest part that is not delivered yet was handed over (ms). */
export function pendingSince(store: Store): number | undefined {
  const sql = "SELECT min(created_at) AS at FROM outbox WHERE state = 'pending'";
  return store.get<{ at: number | null }>(sql)!.at ?? undefined;
}

export function outcomeOf(store: Store, run: string): string {
  return store.get<{ outcome: string | null }>("SELECT outcome FROM runs WHERE id = ?", run)?.outcome ?? "answered";
}
