import type { ModelConfig } from "./config.ts";

/** What people know a model by. */
export const modelName = ({ provider, model }: Pick<ModelConfig, "provider" | "model">): string =>
  `${provider}/${model}`;

/** A tool as a model is told of it. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON schema of its arguments, an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What a model asks for. */
export interface ToolCall {
  /** Unique within the conversation, whatever the model said. */
  readonly id: string;
  readonly name: string;
  /** As parsed JSON; checked by whoever runs the tool, since models get types wrong. */
  readonly input: unknown;
  /** Why the arguments could not be read, where they could not: cut or wrong JSON. Such a call is never run. */
  readonly invalid?: string;
}

/** An assistant's turn in its provider's own parts: thoughts and signatures that this provider wants back unchanged, as JSON. */
export interface NativeTurn {
  /** Which model it came from, `provider/model`; to any other the turn's text and calls are sent. */
  readonly by: string;
  readonly content: unknown;
}

export interface ModelMessage {
  /** `tool`: what came of one call of the assistant's message before it. */
  readonly role: "user" | "assistant" | "tool";
  readonly content: string;
  /** Of an assistant. */
  readonly calls?: readonly ToolCall[];
  /** Of an assistant: the reply's own. */
  readonly native?: NativeTurn;
  /** Of a tool: which call it answers. */
  readonly call?: Pick<ToolCall, "id" | "name">;
  /** Of a user, where it came while the run was working: the post. */
  readonly post?: string;
  /** Released to this run alone: shown to nobody, and not kept once it is over. */
  readonly sensitive?: true;
}

export interface ModelRequest {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  /** None: the model can only answer. */
  readonly tools?: readonly ToolSpec[];
  readonly maxOutputTokens: number;
}

export interface ModelReply {
  readonly text: string;
  /** In the order in which they are to be run. */
  readonly calls?: readonly ToolCall[];
  readonly native?: NativeTurn;
  /** `stop`, `length` (cut), `tool-calls`, `content-filter`, … */
  readonly finish: string;
  /** All of the request, those from the provider's cache included. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** Of the input, those that the provider put into its cache, where it asks another price for that. */
  readonly cacheWriteTokens?: number;
  readonly outputTokens: number;
  /** The server did not say what it took: the numbers are 0, and count for nothing. */
  readonly unmetered?: boolean;
}

/** A reply as the turn that stands for it in the next request. */
export function assistantTurn({ text, calls, native }: ModelReply): ModelMessage {
  return {
    role: "assistant",
    content: text,
    ...(calls === undefined ? {} : { calls }),
    ...(native === undefined ? {} : { native }),
  };
}

/**
 * What went wrong, in the words that people are told. `unreachable`: no request can have got there; `connection lost`: one may have,
 * and the model may have worked on it. `too long`: the conversation is more than the model takes.
 */
export type ModelFailure =
  | "rate limited"
  | "overloaded"
  | "unreachable"
  | "connection lost"
  | "timed out"
  | "key refused"
  | "request refused"
  | "too long"
  | "declined to answer"
  | "empty answer"
  | "failed";

export class ModelError extends Error {
  readonly failure: ModelFailure;
  /** Whether the same call may succeed soon. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: ModelFailure,
    message: string,
    details: { retryable: boolean; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "ModelError";
    this.failure = failure;
    this.retryable = details.retryable;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Calls models. One call is one request: no retries, no loop; those are the router's. */
export interface ModelCaller {
  /**
   * Rejects with nothing but `ModelError`, or the signal's reason when aborted. The message holds no key. A stream that ends before the
   * model said so is `connection lost`; a reply without text and calls is given as it is.
   */
  call(choice: ModelConfig, request: ModelRequest, signal: AbortSignal): Promise<ModelReply>;
}
