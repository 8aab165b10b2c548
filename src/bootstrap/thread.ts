import type { Client4 } from "@mattermost/client";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { isProgress } from "../harness/chat/marker.ts";
import { openSocket } from "../harness/chat/socket.ts";
import { quietConsole } from "./quiet.ts";

/** Something that was seen in the chat, with the moment at which it arrived here. */
export interface Sighting {
  readonly kind: "post" | "reaction";
  readonly postId: string;
  /** Root of the thread for a post; the post itself for a reaction. */
  readonly threadId: string;
  readonly userId: string;
  /** Text of a post, name of a reaction's emoji. */
  readonly text: string;
  /** `performance.now()`, ms. */
  readonly at: number;
}

export interface Watch {
  /** The next sighting in a thread, in order, each given once; undefined once `until` (`performance.now()`) has passed. Throws when aborted, but not with an endless `until`: then abortion is its end. */
  next(threadId: string, until: number): Promise<Sighting | undefined>;
  /** Reads what was missed while the connection was away (also when it never came back). */
  catchUp(threadId: string): Promise<void>;
  close(): void;
}

/** Time that the server may take to open a live connection. */
const helloTimeoutMs = 10_000;
/** What a timer can hold, ms. */
const longestTimer = 2 ** 31 - 1;

/** Watches the chat as the holder of `token`. Resolves when the server has said hello, so that nothing posted afterwards is missed. */
export async function watchChat(url: string, token: string, client: Client4, signal: AbortSignal): Promise<Watch> {
  const seen: Sighting[] = [];
  const known = new Set<string>();
  let wake = (): void => undefined;
  const add = (sighting: Sighting): void => {
    const key = `${sighting.kind} ${sighting.postId} ${sighting.userId} ${sighting.kind === "reaction" ? sighting.text : ""}`;
    if (known.has(key)) return;
    known.add(key);
    seen.push(sighting);
    wake();
  };
  const asked = new Set<string>();
  const catchUp = async (threadId: string): Promise<void> => {
    const { order, posts } = await client.getPostThread(threadId);
    const at = performance.now();
    for (const id of [...order].sort((a, b) => posts[a]!.create_at - posts[b]!.create_at)) {
      const post = posts[id]!;
      if (id !== threadId && !isProgress(post.props)) {
        add({ kind: "post", postId: id, threadId, userId: post.user_id, text: post.message, at });
      }
      for (const { user_id, emoji_name } of post.metadata?.reactions ?? []) {
        add({ kind: "reaction", postId: id, threadId: id, userId: user_id, text: emoji_name, at });
      }
    }
  };

  let greeted = (): void => undefined;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(helloTimeoutMs)]);
  const hello = new Promise<void>((resolve, reject) => {
    greeted = resolve;
    limit.addEventListener("abort", () => reject(signal.aborted ? signal.reason : noLiveConnection(url)), {
      once: true,
    });
  });
  const speakAgain = quietConsole();
  const socket = openSocket(url, token, {
    hello() {
      greeted();
      // After a gap: a failed look is made up for by `next`, which looks again at its end.
      for (const threadId of asked) catchUp(threadId).catch(() => wake());
    },
    closed: () => undefined,
    event(message) {
      const at = performance.now();
      if (message.event === "posted") {
        const post = JSON.parse(message.data.post);
        if (isProgress(post.props)) return;
        add({ kind: "post", postId: post.id, threadId: post.root_id, userId: post.user_id, text: post.message, at });
      } else if (message.event === "reaction_added") {
        const { post_id, user_id, emoji_name } = JSON.parse(message.data.reaction);
        add({ kind: "reaction", postId: post_id, threadId: post_id, userId: user_id, text: emoji_name, at });
      }
    },
  });
  const close = (): void => {
    socket.close();
    speakAgain();
  };
  try {
    await hello;
  } catch (error) {
    close();
    throw error;
  }

  return {
    catchUp,
    close,
    async next(threadId, until) {
      asked.add(threadId);
      for (;;) {
        const index = seen.findIndex((sighting) => sighting.threadId === threadId);
        if (index >= 0) return seen.splice(index, 1)[0];
        const left = until - performance.now();
        if (left <= 0 || (signal.aborted && left === Number.POSITIVE_INFINITY)) return undefined;
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          const end = (): void => {
            clearTimeout(timer);
            signal.removeEventListener("abort", end);
            resolve();
          };
          const timer = setTimeout(end, Math.min(left, longestTimer));
          wake = end;
          signal.addEventListener("abort", end);
        });
      }
    },
  };
}

function noLiveConnection(url: string): OlympusError {
  return new OlympusError("the chat answers, but opens no live connection", {
    code: "E-CHAT-DOWN",
    exit: exitCodes.unreachable,
    where: url,
    hint: "A proxy in between may not let WebSocket connections through.",
  });
}
