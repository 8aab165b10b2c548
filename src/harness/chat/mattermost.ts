import type { Post } from "@mattermost/types/posts";
import type { Reaction } from "@mattermost/types/reactions";
import type { Secret } from "../../base/secret.ts";
import { type Chat, type ChatChannel, ChatError, type ChatPost, type NewPost, notAttached } from "../chat-port.ts";
import { markerOf, markerProp } from "./marker.ts";
import { rootUnread } from "./refusals.ts";
import { download, restClient, upload } from "./rest.ts";
import { type ChatSocket, openSocket } from "./socket.ts";

/** Posts of a page: the most that the server gives at once. */
const pageSize = 200;
const seenEmoji = "eyes";
const defaultMaxPost = 4000;
/** One request, whatever the network does. */
const requestTimeoutMs = 20_000;

/** Mattermost as the harness's chat. `url` without a trailing slash; waits are divided by `scale`. Nothing is asked before the first call. */
export function mattermostChat(options: { url: string; token: Secret; botId: string; scale?: number }): Chat {
  const { url, botId } = options;
  const timeoutMs = requestTimeoutMs / (options.scale ?? 1);
  const rest = restClient(url, options.token.reveal(), timeoutMs);
  const doFetch = (address: string, init: RequestInit): Promise<unknown> =>
    (rest as unknown as { doFetch(url: string, options: RequestInit): Promise<unknown> }).doFetch(address, init);
  let socket: ChatSocket | undefined;
  let maxPost: number | undefined;

  return {
    async account() {
      const me = await rest.getMe();
      return { id: me.id, name: me.username, createdAt: me.create_at };
    },

    open(events) {
      socket = openSocket(
        url,
        options.token.reveal(),
        {
          hello: events.connected,
          closed: events.disconnected,
          event(message) {
            if (message.event === "reaction_added") {
              const { reaction } = message.data as { reaction: string };
              events.reacted?.(toReaction(JSON.parse(reaction) as Reaction));
            }
            if (message.event !== "posted") return;
            const { post, channel_type, mentions } = message.data as {
              post: string;
              channel_type: string;
              mentions?: string;
            };
            const mentioned = mentions !== undefined && (JSON.parse(mentions) as string[]).includes(botId);
            events.posted(toPost(JSON.parse(post) as Post, channel_type === "D", mentioned));
          },
        },
        options.scale,
      );
    },

    close() {
      socket?.close();
      socket = undefined;
    },

    async channels() {
      const route = `${rest.getBaseRoute()}/users/me/channels?include_deleted=false`;
      const channels = (await doFetch(route, { method: "get" })) as {
        id: string;
        type: string;
        last_post_at: number;
      }[];
      return channels.map(({ id, type, last_post_at }) => ({ id, direct: type === "D", lastPostAt: last_post_at }));
    },

    async page(channel: ChatChannel, before: string | undefined) {
      const list =
        before === undefined
          ? await rest.getPosts(channel.id, 0, pageSize, false)
          : await rest.getPostsBefore(channel.id, before, 0, pageSize, false);
      // The server adds threads' first posts to `posts`; only `order` is the page.
      return list.order
        .map((id) => toPost(list.posts[id]!, channel.direct, undefined))
        .sort((a, b) => b.createdAt - a.createdAt);
    },

    async thread(rootId: string) {
      const list = await rest.getPaginatedPostThread(rootId, { fetchAll: true });
      return Object.values(list.posts)
        .map((post) => toPost(post, false, undefined))
        .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    },

    async acknowledge(postId: string) {
      await rest.addReaction(botId, postId, seenEmoji);
    },

    async reactions(postId: string) {
      // The server says null for none.
      const reactions = (await rest.getReactionsForPost(postId)) as Reaction[] | null;
      return (reactions ?? []).map(toReaction);
    },

    async edit(postId: string, text: string) {
      await rest.patchPost({ id: postId, message: text });
    },

    async typing(channelId: string, rootId: string) {
      const body = JSON.stringify({ channel_id: channelId, parent_id: rootId });
      await doFetch(`${rest.getBaseRoute()}/users/me/typing`, { method: "post", body });
    },

    file: (id: string, most: number) => download(rest, rest.getFileRoute(id), most, timeoutMs),

    async post({ channelId, rootId, text, marker, files = [] }: NewPost) {
      const file_ids: string[] = [];
      const left: string[] = [];
      for (const file of files) {
        try {
          file_ids.push(await upload(rest, channelId, file));
        } catch (error) {
          if (!(error instanceof ChatError) || (error.kind !== "refused" && error.kind !== "unclear")) throw error;
          // The words matter more than what goes with them.
          left.push(`\`${file.name}\` (${error.message.slice(0, 200)})`);
        }
      }
      const note = notAttached(left);
      const message = [...text, ...note].length > (maxPost ?? defaultMaxPost) ? text : `${text}${note}`.trim();
      const written = {
        ...(file_ids.length > 0 && { file_ids }),
        channel_id: channelId,
        root_id: rootId,
        message,
        // The server takes a second post with the same id, within 30 seconds, for the first one.
        pending_post_id: `${botId}:${marker.run}:${marker.part}`,
        props: { [markerProp]: marker },
      };
      try {
        return (await rest.createPost(written)).id;
      } catch (error) {
        if (!(error instanceof ChatError) || error.id !== rootUnread) throw error;
        // Throws when the thread is gone indeed. Else the server only failed to read it.
        await rest.getPost(rootId);
        throw new ChatError("retry", error.message, { cause: error });
      }
    },

    async channelNamed(name: string) {
      const [team, channel] = name.split("/") as [string, string];
      return (await rest.getChannelByNameAndTeamName(team, channel)).id;
    },

    async names(ids: readonly string[]) {
      const users = await rest.getProfilesByIds([...ids]);
      return new Map(users.map((user) => [user.id, user.username]));
    },

    async maxPost() {
      maxPost ??= Number((await rest.getClientConfig()).MaxPostSize) || defaultMaxPost;
      return maxPost;
    },
  };
}

const toReaction = ({ post_id, user_id, emoji_name, create_at }: Reaction) => ({
  postId: post_id,
  authorId: user_id,
  name: emoji_name,
  at: create_at,
});

function toPost(post: Post, direct: boolean, mentioned: boolean | undefined): ChatPost {
  const props = post.props as Record<string, unknown> | undefined;
  return {
    id: post.id,
    channelId: post.channel_id,
    rootId: post.root_id === "" ? post.id : post.root_id,
    authorId: post.user_id,
    text: post.message,
    createdAt: post.create_at,
    ...(post.edit_at > 0 && { editedAt: post.edit_at }),
    system: post.type.startsWith("system_"),
    automatic: ["from_bot", "from_webhook", "from_plugin"].some(
      (name) => props?.[name] === "true" || props?.[name] === true,
    ),
    direct,
    mentioned,
    marker: markerOf(props),
    files: (post.metadata?.files ?? []).map(({ id, name, size, mime_type }) => ({ id, name, size, type: mime_type })),
  };
}
