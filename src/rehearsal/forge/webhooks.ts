import { createHmac } from "node:crypto";
import type { Forge } from "./context.ts";
import { newGuid, now } from "./context.ts";
import type { HookRow, RepoRow, UserRow } from "./rows.ts";
import { userView } from "./views.ts";

/** GitHub cuts an endpoint off after ten seconds, and does not try again by itself. */
const patience = 10_000;

interface Waiting {
  readonly id: number;
  readonly hook_id: number;
  readonly guid: string;
  readonly event: string;
  readonly payload: string;
}

/** Webhooks: written down with what they tell of, sent one after the other for each hook, recorded with the answer. */
export class Webhooks {
  readonly #forge: () => Forge;
  readonly #busy = new Map<number, Promise<void>>();
  readonly #ends = new AbortController();

  constructor(forge: () => Forge) {
    this.#forge = forge;
  }

  emit(repo: RepoRow, event: string, payload: Record<string, unknown>, sender: UserRow): void {
    const hooks = this.#forge().db.all<HookRow>("SELECT * FROM hooks WHERE repo_id = ? AND active = 1", repo.id);
    const body = { ...payload, sender: userView(this.#forge(), sender) };
    for (const hook of hooks) {
      const wanted = JSON.parse(hook.events) as string[];
      if (wanted.includes("*") || wanted.includes(event)) this.queue(hook, event, body);
    }
  }

  /** Writes a delivery down; it leaves once the transaction that it is part of is done. */
  queue(hook: HookRow, event: string, payload: object, guid = newGuid(), redelivery = false): number {
    const { db } = this.#forge();
    const action = (payload as { action?: unknown }).action;
    const { id } = db.run(
      `INSERT INTO deliveries (hook_id, guid, event, action, payload, redelivery, delivered_at, status, status_code, duration, request_headers)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, 0, '{}')`,
      hook.id,
      guid,
      event,
      typeof action === "string" ? action : null,
      JSON.stringify(payload),
      redelivery ? 1 : 0,
      now(this.#forge()),
    );
    setImmediate(() => this.send(hook.id));
    return id;
  }

  /** Sends what waits for a hook, in order. At start, for every hook: what a killed forge had written down and not sent. */
  send(hook: number): void {
    if (this.#busy.has(hook) || this.#ends.signal.aborted) return;
    const done = this.#drain(hook).finally(() => this.#busy.delete(hook));
    this.#busy.set(hook, done);
  }

  sendAll(): void {
    for (const { hook_id } of this.#forge().db.all<{ hook_id: number }>(
      "SELECT DISTINCT hook_id FROM deliveries WHERE sent = 0",
    ))
      this.send(hook_id);
  }

  /** Waits until nothing is under way any more; what has not left stays written down. */
  async close(): Promise<void> {
    this.#ends.abort();
    await Promise.all(this.#busy.values());
  }

  async #drain(hook: number): Promise<void> {
    const { db } = this.#forge();
    while (!this.#ends.signal.aborted) {
      const next = db.get<Waiting>("SELECT * FROM deliveries WHERE hook_id = ? AND sent = 0 ORDER BY id LIMIT 1", hook);
      if (next === undefined) return;
      const target = db.get<HookRow>("SELECT * FROM hooks WHERE id = ?", hook)!;
      await this.#deliver(target, next);
    }
  }

  async #deliver(hook: HookRow, { id, guid, event, payload }: Waiting): Promise<void> {
    const form = hook.content_type === "form";
    const body = form ? new URLSearchParams({ payload }).toString() : payload;
    const sign = (hash: string) =>
      `${hash}=${createHmac(hash, hook.secret ?? "")
        .update(body)
        .digest("hex")}`;
    const headers = {
      "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
      "user-agent": "GitHub-Hookshot/rehearsal",
      "x-github-delivery": guid,
      "x-github-event": event,
      "x-github-hook-id": String(hook.id),
      "x-github-hook-installation-target-type": "repository",
      "x-github-hook-installation-target-id": String(hook.repo_id),
      ...(hook.secret === null ? {} : { "x-hub-signature": sign("sha1"), "x-hub-signature-256": sign("sha256") }),
    };
    const begun = performance.now();
    const signal = AbortSignal.any([AbortSignal.timeout(patience), this.#ends.signal]);
    const outcome = await fetch(hook.url, { method: "POST", headers, body, signal, redirect: "manual" }).then(
      async (response) => ({
        code: response.status,
        text: (await response.text()).slice(0, 10_000),
        status: response.ok ? "OK" : response.statusText,
      }),
      () => ({ code: 0, text: "", status: "failed to connect to host" }),
    );
    // Cut off because the forge ends: not delivered, so it leaves at the next start.
    if (this.#ends.signal.aborted && outcome.code === 0) return;
    this.#forge().db.run(
      "UPDATE deliveries SET sent = 1, status = ?, status_code = ?, duration = ?, request_headers = ?, response = ?, delivered_at = ? WHERE id = ?",
      outcome.status === "" ? String(outcome.code) : outcome.status,
      outcome.code,
      Math.round(performance.now() - begun) / 1000,
      JSON.stringify(headers),
      outcome.text,
      now(this.#forge()),
      id,
    );
  }
}
