/** What the formats of model providers have in common: a request as the script sees it, and an answer as the script wants it. */

export interface AskedMessage {
  readonly role: "user" | "assistant" | "tool";
  /** Its text; of a tool: what it gave. */
  readonly content: string;
  /** Tools that an assistant called. */
  readonly calls?: readonly { readonly name: string; readonly input: unknown }[];
}

export interface Asked {
  readonly model: string;
  readonly system: string;
  readonly messages: readonly AskedMessage[];
  /** Names of the tools that are offered. */
  readonly tools: readonly string[];
  readonly stream: boolean;
  /** Whether a stream is to end with what it took; undefined where the format always tells. */
  readonly streamUsage?: boolean;
  /** Tokens that the answer may have. */
  readonly limit: number | undefined;
}

export interface Answer {
  readonly id: string;
  readonly text: string;
  readonly thinking: string;
  /** `arguments` is JSON, or what a model makes of it. */
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  /** `limit`: cut at the limit of one answer. `declined`: by the model or its provider. */
  readonly finish: "end" | "calls" | "limit" | "declined";
  readonly usage: { readonly input: number; readonly cached: number; readonly output: number };
}

/** Why a request is not answered: `wrong` is the client's fault, `too long` too. */
export interface Refused {
  readonly status: number;
  readonly kind: "wrong" | "too long" | "scripted";
  readonly message: string;
}

/** One provider's format. */
export interface Wire {
  readonly name: "anthropic" | "openai" | "openai-responses" | "google";
  /** Whether a POST to this path is in this format. */
  readonly serves: (path: string) => boolean;
  /** The request, or what is wrong with it in the words of the provider's own interface. */
  readonly read: (body: Readonly<Record<string, unknown>>, path: string) => Asked | string;
  readonly whole: (answer: Answer, asked: Asked) => object;
  /** The same answer as server-sent events, a few words at a time, each as it goes over the wire. */
  readonly events: (answer: Answer, asked: Asked) => Iterable<string>;
  readonly refusal: (refused: Refused) => object;
}

/** Four characters a token: near enough for budgets to be rehearsed. */
export const tokens = (text: string): number => Math.max(1, Math.ceil(text.length / 4));

/** The pieces in which a text is streamed. */
export const pieces = (text: string): string[] => text.match(/[\s\S]{1,40}/g) ?? [];

/** Text of a message that is a text, or a list of parts of which some have text. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) => (isObject(part) && typeof part.text === "string" ? part.text : ""))
    .filter((text) => text !== "")
    .join("\n");
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** JSON as a value, or the text itself where it is none. */
export function parsed(json: unknown): unknown {
  try {
    return JSON.parse(String(json)) as unknown;
  } catch {
    return String(json);
  }
}

/** An object for formats that cannot carry arguments that are none. */
export function objectOf(json: string): object {
  const value = parsed(json);
  return isObject(value) ? value : {};
}
