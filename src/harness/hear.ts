import { acknowledge } from "./acknowledge.ts";
import { readAttachments } from "./attachments.ts";
import { type Chat, ChatError } from "./chat-port.ts";
import type { AgentConfig } from "./config.ts";
import { asItSaysNow } from "./intake.ts";
import type { Log } from "./log.ts";
import type { ModelMessage } from "./model-port.ts";
import { meanwhile } from "./prompt.ts";
import { newlyHeard } from "./store/heard.ts";
import type { Store } from "./store/open.ts";
import type { OpenRun } from "./store/runs.ts";

interface HearParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly chat: Chat;
  readonly clock: { now(): number };
  readonly log: Log;
}

/**
 * What came to a run's thread since it was begun, as its model is told of it, with what its files say. Whoever takes it must append it to
 * a conversation at once. What was deleted or speaks to others by now is left for a run of its own, whose outcome says so; where the chat
 * server does not answer, all is told later.
 */
export async function hear(parts: HearParts, run: OpenRun, rootId: string): Promise<ModelMessage[]> {
  const { chat, config, store, log } = parts;
  const posts = newlyHeard(store, run);
  if (posts.length === 0) return [];
  try {
    const thread = new Map((await chat.thread(rootId)).map((post) => [post.id, post]));
    const told: ModelMessage[] = [];
    for (const post of posts) {
      const there = thread.get(post.first ?? post.id);
      const said = there && asItSaysNow(config, post, there);
      if (said === undefined) continue;
      const content = meanwhile(config, said, await readAttachments(chat, there?.files ?? []));
      told.push({ role: "user", content, post: post.id });
      acknowledge(parts, run, post.id).catch((error: unknown) =>
        log.warn({ run: run.id, error: String(error) }, "cannot note that a mention was seen"),
      );
    }
    return told;
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    log.warn({ run: run.id, error: error.message }, "cannot read what was said meanwhile, will try again");
    return [];
  }
}
