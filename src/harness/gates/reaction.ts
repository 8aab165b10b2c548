import type { Chat, ChatReaction } from "../chat-port.ts";
import { chatSource, type PostPayload } from "../intake.ts";
import { receive } from "../store/inbox.ts";
import type { Store } from "../store/open.ts";
import { askingPosts, gateOfPost } from "./book.ts";

/** Emoji that say yes. Every other one, and a no, says nothing: what closes a gate for good is written. */
const yes = new Set(["+1", "thumbsup", "white_check_mark", "heavy_check_mark"]);

export const saysYes = ({ name }: Pick<ChatReaction, "name">): boolean => yes.has(name);

interface ReactionParts {
  readonly store: Store;
  readonly chat: Pick<Chat, "reactions">;
  readonly clock: { now(): number };
}

/**
 * A yes to our own post that asks for a gate is the word for that gate, said by whoever reacted: it goes the same way, to the same
 * questions. Gives whether it is new; reactions to anything else are nothing.
 */
export function takeReaction({ store, clock }: Omit<ReactionParts, "chat">, reaction: ChatReaction): boolean {
  const { postId, authorId, at } = reaction;
  const gate = saysYes(reaction) ? gateOfPost(store, postId) : undefined;
  if (gate?.state !== "asked" && gate?.state !== "waiting") return false;
  const id = `reaction-${postId}-${authorId}-${at}`;
  const payload: PostPayload = {
    id,
    ...(gate.place ?? { channelId: "", rootId: "" }),
    authorId,
    text: `!approve ${gate.id}`,
    createdAt: at,
    direct: false,
    hops: 0,
    reactedTo: postId,
  };
  const lane = `${chatSource}:command:${id}`;
  const entry = { source: chatSource, sourceId: id, lane, kind: "command" as const, author: authorId, createdAt: at };
  return receive(store, { ...entry, payload }, clock.now());
}

/** Takes in what was reacted while nobody listened. Gives whether there was something; throws what the chat throws. */
export async function missedReactions(parts: ReactionParts): Promise<boolean> {
  let any = false;
  for (const post of askingPosts(parts.store))
    for (const reaction of await parts.chat.reactions(post)) if (takeReaction(parts, reaction)) any = true;
  return any;
}
