import type { Chat } from "./chat-port.ts";
import type { AgentConfig } from "./config.ts";

type Parts = { readonly config: Pick<AgentConfig, "chat">; readonly chat: Pick<Chat, "names"> };

/**
 * The team's people by the names that they have in the chat now: who was renamed there is called by the team file's name in vain, or
 * somebody else is who took it. Where they are not to be known now, the team file's have to do.
 */
export async function peopleInChat({ config, chat }: Parts): Promise<AgentConfig["chat"]["people"]> {
  const { people } = config.chat;
  const names = await chat.names(people.map(({ id }) => id)).catch(() => new Map<string, string>());
  return people.map((one) => ({ ...one, name: names.get(one.id) ?? one.name }));
}

/** A text whose `@name`s are of the team file, with the names in the chat. */
export async function calledInChat(parts: Parts, text: string): Promise<string> {
  const { people } = parts.config.chat;
  if (!people.some(({ name }) => text.includes(`@${name}`))) return text;
  const there = await peopleInChat(parts);
  return text.replace(/(?<![\w.@-])@([\w.-]*\w)(?![\w/-])/g, (whole, name: string) => {
    const { id } = people.find((one) => one.name === name) ?? {};
    return id === undefined ? whole : `@${there.find((one) => one.id === id)!.name}`;
  });
}
