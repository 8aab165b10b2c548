import { type Asked, tokens } from "./wire.ts";

/** Prompts that are remembered. */
const kept = 20;
/** What is shorter is not worth a provider's while: tokens. */
const least = 256;

/** Counts, as providers' own caches do, how much of a prompt was the beginning of an earlier one. */
export class PromptCache {
  readonly #prompts: string[] = [];

  /** Tokens of a request, and how many of them were in the cache. */
  look({ model, system, messages, tools }: Asked): { input: number; cached: number } {
    const prompt = JSON.stringify([model, tools, system, messages]).slice(0, -2);
    const shared = Math.max(0, ...this.#prompts.map((earlier) => sharedLength(earlier, prompt)));
    this.#prompts.push(prompt);
    if (this.#prompts.length > kept) this.#prompts.shift();
    const cached = Math.floor(shared / 4);
    return { input: tokens(prompt), cached: cached < least ? 0 : Math.min(cached, tokens(prompt) - 1) };
  }
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  if (b.startsWith(a.slice(0, most))) return most;
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
