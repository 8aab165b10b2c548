import { estimatedTokens } from "./budget.ts";
import type { AgentConfig, WorkKind } from "./config.ts";
import type { ModelMessage } from "./model-port.ts";
import type { ModelRouter, RoutedReply } from "./router.ts";

export interface Answer {
  readonly text: string;
  /** `answered`, or why not: the run's outcome. */
  readonly outcome: string;
  /** What is to become durable together with the answer, and with nothing less: a second time it would be another one. */
  readonly settle?: () => void;
}

/**
 * Asks the models for an answer in chat. Never throws for what a provider or a budget does: then the text says so plainly. Throws the
 * signal's reason when aborted.
 */
export async function ask(
  router: ModelRouter,
  { limits }: Pick<AgentConfig, "limits">,
  wanted: { run: string; kind: WorkKind; system: string; messages: readonly ModelMessage[]; signal: AbortSignal },
): Promise<Answer> {
  const { run, kind, system, messages, signal } = wanted;
  const request = { system, messages, maxOutputTokens: limits.outputTokens };
  const result = await router.call({ run, kind, request, signal, shrink: newestHalf });
  if (result.ok) {
    const cut = result.reply.finish === "length" ? "\n\n(My answer was cut here: it reached the limit for one.)" : "";
    return { text: result.reply.text + cut, outcome: "answered" };
  }
  return noAnswer(result);
}

/** What people are told where no model answers. */
export function noAnswer(result: Extract<RoutedReply, { ok: false }>): Answer {
  const next =
    result.outcome === "budget"
      ? "A person who looks after my budget can raise it."
      : result.reasons.every((reason) => reason.endsWith("too long"))
        ? "Please ask again in a new thread."
        : "Please try again later, or tell whoever looks after me.";
  return { text: `I cannot answer now: ${result.reasons.join("; ")}. ${next}`, outcome: result.outcome };
}

/** The newer half of a conversation, by length; at least its last message, cut to half where that is all. */
export function newestHalf(messages: readonly ModelMessage[]): readonly ModelMessage[] | undefined {
  const sizes = messages.map(({ content }) => estimatedTokens(content));
  let room = sizes.reduce((sum, size) => sum + size, 0) / 2;
  let from = messages.length;
  while (from > 0 && sizes[from - 1]! <= room) room -= sizes[--from]!;
  // A conversation begins with its user.
  while (messages[from]?.role === "assistant") from++;
  const note: ModelMessage = { role: "user", content: "[what was said before was left out: it was too long]" };
  if (from < messages.length) {
    const [first, ...rest] = messages.slice(from) as [ModelMessage, ...ModelMessage[]];
    return [{ ...first, content: `${note.content}\n\n${first.content}` }, ...rest];
  }
  const last = messages.at(-1);
  if (last === undefined) return undefined;
  const half = last.content.slice(-Math.floor(last.content.length / 2));
  return [{ role: "user", content: `${note.content}\n\n${half}` }];
}
