import type { Chat } from "./chat-port.ts";
import type { Store } from "./store/open.ts";
import type { OpenRun } from "./store/runs.ts";
import { recordStep } from "./store/steps.ts";

interface AckParts {
  readonly chat: Pick<Chat, "acknowledge">;
  readonly store: Store;
  readonly clock: { now(): number };
}

/** Shows that the mention was seen, before any model is asked. An answer matters more: what fails here is noted and left. */
export async function acknowledge({ chat, store, clock }: AckParts, run: OpenRun, postId: string): Promise<void> {
  const at = clock.now();
  const outcome = await chat.acknowledge(postId).then(
    () => "ok",
    (error: unknown) => String(error),
  );
  recordStep(store, { run: run.id, kind: "ack", at, tookMs: clock.now() - at, outcome });
}
