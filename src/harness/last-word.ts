import { maskSecrets } from "../base/secret.ts";
import { ChatError, type NewPost } from "./chat-port.ts";
import { backoff } from "./clock.ts";
import { sayOnce } from "./deliver.ts";
import type { PostPayload } from "./intake.ts";
import { posts, type RunParts } from "./run.ts";
import { handOver, markAttempt, nextPart } from "./store/outbox.ts";
import type { OpenRun } from "./store/runs.ts";

/** Longest words of an error that people are shown. */
const mostWords = 300;

/**
 * Tells a run's thread, in one post, what kept it from being finished: by the outbox (gives `stored`; delivery is to follow), or,
 * where the store is what failed, past it (`said`). Tries both until one works or the server will not have it (`said` too).
 * Throws only the signal's reason.
 */
export async function lastWord(
  parts: RunParts,
  run: OpenRun,
  what: string,
  signal: AbortSignal,
): Promise<"stored" | "said"> {
  const { store, clock, log } = parts;
  const short = maskSecrets(what, parts.secrets ?? []).slice(0, mostWords);
  // What a gate waits for is looked at again (gates/looks.ts).
  const then =
    run.kind === "gate"
      ? "I look again later."
      : "I do not try again by myself; when that is mended, please mention me again.";
  const text = `I could not finish this: ${short}. ${then}`;
  const payload = JSON.parse(run.payload) as PostPayload;
  const [post] = posts(run, payload, text, Number.POSITIVE_INFINITY) as [NewPost];
  const silent = payload.channelId === "";
  for (let attempt = 0; ; attempt++) {
    try {
      store.transaction(() => {
        handOver(store, run, silent ? [] : [post], `failed: ${short}`, clock.now());
        // A try past the store may have reached the server: the delivery is to look first.
        if (attempt > 0 && !silent) markAttempt(store, nextPart(store, run.id)!);
      });
      return "stored";
    } catch (error) {
      log.error({ run: run.id, error: String(error) }, "a failed run cannot be stored, its thread is told directly");
    }
    try {
      if (silent) throw new ChatError("refused", "there is no thread to tell it in");
      // Always looks first: while the store fails, nobody knows what a former try, or process, has said already.
      await sayOnce(parts, post, true, payload.createdAt);
      return "said";
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      log.error({ run: run.id, error: error.message }, "cannot tell in chat that a run failed");
      if (error.kind === "refused") return "said";
      await clock.wait(error.retryAfterMs ?? backoff(attempt, 300, 30_000), signal);
    }
  }
}
