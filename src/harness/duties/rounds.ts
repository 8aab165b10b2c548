import { messageOf } from "../../base/errors.ts";
import type { Chat } from "../chat-port.ts";
import { backoff } from "../clock.ts";
import { sayOnce } from "../deliver.ts";
import { newestDue } from "../schedule.ts";
import type { ForgeParts } from "../tasks/parts.ts";
import { dayText } from "./day.ts";
import type { Rounds } from "./schema.ts";
import { nudge } from "./stale.ts";

/** How often the clock is looked at. */
const lookEveryMs = 60_000;
/** Rounds in the time after which work is stale. */
const looksPerPeriod = 4;
const hour = 3600_000;
const day = 24 * hour;

export interface RoundsParts extends ForgeParts {
  readonly chat: Chat;
  readonly rounds: Rounds;
}

/** Asks after stale work now and then, and sums up each day once, for the whole team. Returns at once; ends with the signal. */
export function beginRounds(parts: RoundsParts, signal: AbortSignal): void {
  // Side by side: where one of them fails, the other goes on.
  for (const duty of [nudgeDue, sumUpDue]) again(duty, parts, signal).catch(() => undefined);
}

async function again(
  duty: (parts: RoundsParts) => Promise<void>,
  parts: RoundsParts,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = parts;
  for (let failures = 0; ; ) {
    try {
      await duty(parts);
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ duty: duty.name, error: messageOf(error) }, "cannot make the round, will try again");
      failures++;
    }
    await clock.wait(failures === 0 ? lookEveryMs : backoff(failures, 5000, 600_000), signal);
  }
}

const nudgedKey = "rounds:nudged";
const summedKey = "rounds:summed";
const textKey = "rounds:text";

/** Some times in each period, also over restarts. */
export async function nudgeDue(parts: RoundsParts): Promise<void> {
  const { store, clock, log, rounds } = parts;
  const now = clock.now();
  if (now - Number(store.meta(nudgedKey) ?? 0) < (rounds.staleHours * hour) / looksPerPeriod) return;
  const issues = await nudge(parts, rounds.staleHours);
  store.setMeta(nudgedKey, String(now));
  if (issues.length > 0) log.info({ issues }, "asked after work without progress");
}

/** One post a day, also when it fails in between; a day that was slept over is summed up with the next one. */
export async function sumUpDue(parts: RoundsParts): Promise<void> {
  const { store, clock, config, chat, rounds } = parts;
  const now = clock.now();
  const last = store.meta(summedKey);
  if (last === undefined) return store.setMeta(summedKey, String(now));
  const [hours, minutes] = rounds.summary.split(":").map(Number);
  const at = `${minutes} ${hours} * * *`;
  const due = newestDue({ at, timezone: config.timezone, quiet: false }, undefined, Number(last), now);
  if (due === undefined || due.late) return;
  const id = `day-${new Date(due.at).toISOString().slice(0, 16)}`;
  const kept = keptText(store.meta(textKey), id);
  const text = kept ?? (await dayText(parts, Math.max(Number(last), due.at - 8 * day), due.at));
  store.setMeta(textKey, JSON.stringify({ id, text }));
  const channelId = await chat.channelNamed(rounds.channel);
  const marker = { run: id, part: 0, source: id, hops: 0 };
  await sayOnce({ chat, config }, { channelId, rootId: "", text, marker }, true, due.at);
  store.setMeta(summedKey, String(due.at));
}

/** What a try before this one wrote: asked again, the forge would tell another day. */
function keptText(kept: string | undefined, id: string): string | undefined {
  if (kept === undefined) return undefined;
  const value = JSON.parse(kept) as { id: string; text: string };
  return value.id === id ? value.text : undefined;
}
