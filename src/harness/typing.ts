import { messageOf } from "../base/errors.ts";
import type { Chat } from "./chat-port.ts";
import type { Clock } from "./clock.ts";
import type { PostPayload } from "./intake.ts";
import type { Log } from "./log.ts";

/** Quick answers are there before anybody would see it. */
const afterMs = 1500;
/** People see it for some five seconds. */
const everyMs = 4000;

/** Shows in a post's thread that the agent is at it, until what it gives is aborted. What the server does not take is left. */
export function showTyping(
  { chat, clock, log }: { chat: Chat; clock: Clock; log: Log },
  { channelId, rootId }: PostPayload,
): AbortController {
  const over = new AbortController();
  const show = async () => {
    for (let wait = afterMs; !over.signal.aborted; wait = everyMs) {
      await clock.wait(wait, over.signal).catch(() => undefined);
      if (over.signal.aborted) return;
      await chat
        .typing(channelId, rootId)
        .catch((error: unknown) =>
          log.debug({ error: messageOf(error) }, "cannot show that an answer is being written"),
        );
    }
  };
  void show();
  return over;
}
