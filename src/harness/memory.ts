import { maskSecrets, type Secret } from "../base/secret.ts";
import type { Answer } from "./ask.ts";
import type { AgentConfig } from "./config.ts";
import type { PostPayload } from "./intake.ts";
import type { ModelMessage } from "./model-port.ts";
import { countNotes, dropNote, findNotes, keepNote, listNotes, type Note, noteOf } from "./store/memory.ts";
import type { Store } from "./store/open.ts";
import { visible } from "./visible.ts";
import { dayName } from "./zone.ts";

/** Bounds that keep memory something people can look through, and prompts short. */
const mostCharacters = 1000;
const mostFacts = 20;
const mostNotes = 2000;
const recalled = 6;
const recalledCharacters = 3000;

export type MemoryWish =
  | { readonly what: "remember"; readonly kind: Note["kind"]; readonly text: string }
  | { readonly what: "forget"; readonly id: number }
  | { readonly what: "list" };

/**
 * What a post asks of memory, or undefined: `remember: …`, `remember that …`, `remember always: …` (a fact, told in every run),
 * `forget #12`, `what do you remember?`. Never guessed from other words: "do you remember when" is a question.
 */
export function memoryWish(text: string, agent: string): MemoryWish | undefined {
  const said = visible(text)
    .trim()
    .replace(new RegExp(`^@${agent}\\b[\\s,:]*`, "i"), "");
  const kept = /^(?:please\s+)?remember(\s+always)?(?:\s*:\s*|\s+that\s+)([\s\S]+)$/i.exec(said);
  if (kept !== null) return { what: "remember", kind: kept[1] === undefined ? "note" : "fact", text: kept[2]!.trim() };
  const dropped = /^(?:please\s+)?forget\s+(?:note\s+|fact\s+)?#(\d{1,9})[.!]?$/i.exec(said);
  if (dropped !== null) return { what: "forget", id: Number(dropped[1]) };
  return /^what do you remember\s*\??$/i.test(said) ? { what: "list" } : undefined;
}

interface MemoryParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly secrets?: readonly Secret[];
}

/**
 * Does what was asked of memory, without a model; only for people who may command. Asking again for the same post changes nothing: a note
 * is forgotten when the answer is settled.
 */
export function answerMemory(
  { config, store, secrets = [] }: MemoryParts,
  post: PostPayload,
  wish: MemoryWish,
): Answer {
  const person = config.chat.people.find(({ id, command }) => id === post.authorId && command);
  const say = (text: string): Answer => ({ text, outcome: "answered" });
  if (person === undefined) return say("I remember, forget and list only what people ask me to who may give me tasks.");
  if (wish.what === "list") return say(listed(config, store));
  if (wish.what === "forget") {
    const note = noteOf(store, wish.id);
    if (note === undefined) return say(`I have nothing with number #${wish.id}.`);
    return { ...say(`Forgotten: #${note.id} ${note.text}`), settle: () => dropNote(store, note.id) };
  }
  const text = maskSecrets(wish.text, secrets);
  const length = [...text].length;
  if (length > mostCharacters)
    return say(
      `That is too long to remember: ${length} characters, ${mostCharacters} are the most. Please say it shorter.`,
    );
  const most = wish.kind === "fact" ? mostFacts : mostNotes;
  if (countNotes(store, wish.kind) >= most)
    return say(`I have ${most} ${wish.kind}s already, which is the most. Forget one first: \`forget #…\`.`);
  const note = { kind: wish.kind, text, author: post.authorId, name: person.name, at: post.createdAt };
  const id = keepNote(store, note, post.id);
  const when = wish.kind === "fact" ? "in everything I do" : "when it fits";
  return say(`I shall remember that ${when} (#${id}; \`forget #${id}\` takes it back).`);
}

function listed(config: AgentConfig, store: Store): string {
  const facts = listNotes(store, "fact", mostFacts);
  const notes = listNotes(store, "note", 30);
  if (facts.length + notes.length === 0) return "Nobody asked me to remember anything yet.";
  const more = countNotes(store, "note") - notes.length;
  return [
    ...(facts.length === 0 ? [] : ["Always:", ...facts.map((note) => `- ${lineOf(config, note)}`)]),
    ...(notes.length === 0 ? [] : ["When it fits:", ...notes.map((note) => `- ${lineOf(config, note)}`)]),
    ...(more > 0 ? [`and ${more} older ones.`] : []),
  ].join("\n");
}

/** One line, whatever stands in the note: none can pass for another's. */
function lineOf({ chat, timezone }: AgentConfig, { id, text, author, name, at }: Note): string {
  const still = chat.people.find((person) => person.id === author && person.command);
  const who = still?.name ?? `${name}, who may not give you tasks any more`;
  return `#${id} (${who}, ${dayName(at, timezone)}): ${visible(text).replace(/\s+/g, " ")}`;
}

/** The conversation with what memory has to its last message in front of that message, said by whom and when; itself where that is nothing. */
export function withMemory(
  { config, store }: MemoryParts,
  messages: readonly ModelMessage[],
  question: string,
): readonly ModelMessage[] {
  const last = messages.at(-1);
  const lines: string[] = [];
  let room = recalledCharacters;
  for (const note of [...listNotes(store, "fact", mostFacts), ...findNotes(store, question, recalled)]) {
    const line = lineOf(config, note);
    room -= line.length;
    if (room >= 0) lines.push(line);
  }
  if (last === undefined || lines.length === 0) return messages;
  const block = `[from your memory, which may be out of date: what people asked you to remember]\n${lines.join("\n")}\n[end of memory]`;
  return [...messages.slice(0, -1), { ...last, content: `${block}\n\n${last.content}` }];
}
