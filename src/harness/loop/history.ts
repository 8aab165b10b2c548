import { estimatedTokens } from "../budget.ts";
import type { ModelMessage } from "../model-port.ts";

/** Share of the window at which old observations are masked. */
const maskAt = 0.6;
/** Observations that stay whole: when masked in time, and when a model said that it was too much. */
const keepWhole = 5;
const keepWholeOnOverflow = 1;
/** Below this masking is not worth a lost cache. */
const worthMasking = 400;
/** Characters that a text keeps when a model said that it was too much. */
const keepOnOverflow = 2000;

/** Tokens of a conversation, estimated. */
export function sizeOf(system: string, messages: readonly ModelMessage[]): number {
  return messages.reduce(
    (sum, { content, calls }) =>
      sum + estimatedTokens(content) + (calls === undefined ? 0 : estimatedTokens(JSON.stringify(calls))),
    estimatedTokens(system),
  );
}

/**
 * The conversation with old observations masked, once it takes more than its share of the window; the same object while it does not.
 * Masked is masked: between two maskings every request begins with the bytes of the one before, which providers keep in their caches.
 */
export function maskOld(system: string, messages: readonly ModelMessage[], window: number): readonly ModelMessage[] {
  return sizeOf(system, messages) <= window * maskAt ? messages : masked(messages, keepWhole);
}

/** As small as it gets without losing what was done: every observation but the newest masked, long texts cut, the first message kept. */
export function shrink(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  return masked(messages, keepWholeOnOverflow).map((message, index) =>
    index === 0 || message.content.length <= keepOnOverflow ? message : { ...message, content: cut(message.content) },
  );
}

function masked(messages: readonly ModelMessage[], keep: number): readonly ModelMessage[] {
  const observations = messages.filter(({ role }) => role === "tool");
  const old = new Set(observations.slice(0, Math.max(0, observations.length - keep)));
  return messages.map((message) =>
    old.has(message) && message.content.length > worthMasking
      ? {
          ...message,
          content: `[output left out to save room: ${message.content.length} characters. ${firstLine(message.content)}]`,
        }
      : message,
  );
}

/** A command's first line says how it ended. */
function firstLine(text: string): string {
  return text.slice(0, text.indexOf("\n") < 0 ? 100 : Math.min(100, text.indexOf("\n"))).replace(/[[\]]/g, "");
}

function cut(text: string): string {
  const half = keepOnOverflow / 2;
  return `${text.slice(0, half)}\n[... ${text.length - keepOnOverflow} characters left out ...]\n${text.slice(-half)}`;
}
