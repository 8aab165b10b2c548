import type { Chat, ChatChannel, ChatPost } from "./chat-port.ts";

/** Enough to pass over posts that share a millisecond. */
const maxPages = 10_000;

/**
 * All posts of a channel written after `floor` (server's time, ms), oldest first, that pass `keep`; and the time of the newest
 * one seen. Pages backwards from the newest post, so that neither a deleted anchor nor posts arriving meanwhile leave a hole:
 * each page overlaps the one before by every post of its oldest millisecond.
 */
export async function missedPosts(
  chat: Pick<Chat, "page">,
  channel: ChatChannel,
  floor: number,
  keep: (post: ChatPost) => boolean,
): Promise<{ posts: ChatPost[]; newest: number }> {
  const kept = new Map<string, ChatPost>();
  let newest = floor;
  let before: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const posts = await chat.page(channel, before);
    if (posts.length === 0) break;
    let oldest = posts[0]!.createdAt;
    for (const post of posts) {
      newest = Math.max(newest, post.createdAt);
      oldest = Math.min(oldest, post.createdAt);
      if (post.createdAt > floor && keep(post)) kept.set(post.id, post);
    }
    if (oldest <= floor) break;
    // The oldest post that is younger than the page's last millisecond: the next page shows that millisecond whole.
    const younger = posts.filter((post) => post.createdAt > oldest).at(-1)?.id;
    const next = younger === undefined || younger === before ? posts.at(-1)!.id : younger;
    if (next === before) break;
    before = next;
  }
  const posts = [...kept.values()].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return { posts, newest };
}
