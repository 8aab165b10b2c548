import type { Store } from "./open.ts";
import type { OpenRun } from "./runs.ts";

/** One thing to be said. `payload` is the adapter's business; `run` and `part` make it recognisable on the other side. */
export interface OutboxPart {
  readonly id: number;
  readonly run: string;
  readonly part: number;
  readonly payload: string;
  readonly attempts: number;
}

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
    "SELECT id, run, part, payload, attempts FROM outbox WHERE run = ? AND state = 'pending' ORDER BY part LIMIT 1",
    run,
  );
}

/** Notes that sending begins. Written before the request leaves, so that after a crash we know to look before sending again. */
export function markAttempt(store: Store, part: OutboxPart): void {
  store.run("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", part.id);
}

export function markSent(store: Store, part: OutboxPart, targetId: string, now: number): void {
  store.run("UPDATE outbox SET state = 'sent', target_id = ?, sent_at = ? WHERE id = ?", targetId, now, part.id);
}

/** Gives a part up: the other side refused it for good. */
export function markDead(store: Store, part: OutboxPart, error: string): void {
  store.run("UPDATE outbox SET state = 'dead', error = ? WHERE id = ?", error, part.id);
}

export function deadParts(store: Store, run: string): string[] {
  return store
    .all<{ error: string }>("SELECT error FROM outbox WHERE run = ? AND state = 'dead' ORDER BY part", run)
    .map((row) => row.error);
}

export function pendingParts(store: Store): number {
  return store.get<{ n: number }>("SELECT count(*) AS n FROM outbox WHERE state = 'pending'")!.n;
}

export function outcomeOf(store: Store, run: string): string {
  return store.get<{ outcome: string | null }>("SELECT outcome FROM runs WHERE id = ?", run)?.outcome ?? "answered";
}
