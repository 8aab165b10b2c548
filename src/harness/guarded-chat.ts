import { maskSecrets, type Secret } from "../base/secret.ts";
import { type Chat, type ChatPost, contentOf } from "./chat-port.ts";

/**
 * A chat that no secret passes through, in either direction: what somebody pasted is not stored nor shown to a model, and what a model
 * wrote is not posted. Known are the given values, however they are encoded.
 */
export function guardedChat(chat: Chat, secrets: readonly Secret[]): Chat {
  const named = <T extends { name: string }>(file: T): T => ({ ...file, name: maskSecrets(file.name, secrets) });
  const written = <T extends { text: string }>(post: T): T => ({ ...post, text: maskSecrets(post.text, secrets) });
  const clean = (post: ChatPost): ChatPost => ({
    ...written(post),
    ...(post.files && { files: post.files.map(named) }),
  });
  const holdsNone = (text: string) => maskSecrets(text, secrets) === text;
  const cleanAll = (posts: readonly ChatPost[]) => posts.map(clean);
  return {
    ...chat,
    open: (events) => chat.open({ ...events, posted: (post) => events.posted(clean(post)) }),
    page: async (channel, before) => cleanAll(await chat.page(channel, before)),
    thread: async (rootId) => cleanAll(await chat.thread(rootId)),
    post: (post) =>
      chat.post({
        ...written(post),
        ...(post.files && {
          files: post.files
            .filter((file) => "text" in file || holdsNone(contentOf(file).toString("latin1")))
            .map((file) => named("text" in file ? written(file) : file)),
        }),
      }),
    edit: (id, text) => chat.edit(id, maskSecrets(text, secrets)),
    file: async (id, most) => {
      const bytes = Buffer.from(await chat.file(id, most));
      const text = bytes.toString();
      // What is not text would not come back as it was.
      return Buffer.from(text).equals(bytes) ? Buffer.from(maskSecrets(text, secrets)) : bytes;
    },
  };
}

/** Names of the secrets that a text holds, and the text without them. */
export function withoutSecrets(text: string, secrets: readonly Secret[]): { text: string; found: readonly string[] } {
  const found = secrets.filter((secret) => maskSecrets(text, [secret]) !== text);
  return { text: found.length === 0 ? text : maskSecrets(text, found), found: found.map(({ name }) => name) };
}
