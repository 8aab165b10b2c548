import type { Answer } from "./ask.ts";
import type { ChatPost } from "./chat-port.ts";
import type { AgentConfig } from "./config.ts";
import type { PostPayload } from "./intake.ts";
import type { NoticeKind } from "./store/inbox.ts";

/** What is said, without any model, where a limit keeps the agent from answering. The outcome is the kind. */
export function noticeOf(
  config: AgentConfig,
  kind: NoticeKind,
  post: PostPayload,
  thread: readonly ChatPost[],
): Answer {
  const text = { notice: notice, hops: hopsUsedUp, late: tooLate }[kind](config, post, thread);
  return { text, outcome: kind };
}

function notice(config: AgentConfig): string {
  const names = commanders(config).map((person) => person.name);
  const whom = names.length === 0 ? "" : ` Please ask ${names.slice(0, 3).join(", ")}.`;
  return `I work only for people whom my team has named in its team file.${whom}`;
}

/** Calls the person who spoke last in the thread, else the first whom the team file names; never an agent, which would go on. */
function hopsUsedUp(config: AgentConfig, _: PostPayload, thread: readonly ChatPost[]): string {
  const people = commanders(config);
  const last = thread.findLast(({ authorId }) => people.some(({ id }) => id === authorId))?.authorId;
  const person = people.find(({ id }) => id === last) ?? people[0];
  const ask = person === undefined ? "A person has to say how to go on." : `@${person.name}, please say how to go on.`;
  return `I stop here: without a person, agents of this team answer one another at most ${config.chat.maxHops} times in a row, and each of them at most ${config.chat.maxHops} times in all. ${ask}`;
}

function tooLate(config: AgentConfig, { missed }: PostPayload): string {
  const { count, authors } = missed ?? { count: 1, authors: [] };
  const people = commanders(config).filter(({ id }) => authors.includes(id));
  const names = people.slice(0, 5).map(({ name }) => `@${name}`);
  const what =
    count === 1
      ? "I missed this mention for that long."
      : `I missed ${count} mentions in this channel for that long, this is the newest of them.`;
  const ask = `${names.length === 0 ? "Please" : `${names.join(", ")}: please`} mention me again where it still matters.`;
  return `I do not answer any more what is older than ${config.chat.maxAgeHours} hours when I get to read it. ${what} ${ask}`;
}

function commanders({ chat }: AgentConfig) {
  return chat.people.filter((person) => person.command);
}
