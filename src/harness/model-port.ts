import type { ModelConfig } from "./config.ts";

/** A tool as a model is told of it. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON schema of its arguments, an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What a model asks for. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** As parsed JSON; checked by whoever runs the tool, since models get types wrong. */
  readonly input: unknown;
  /** Why the arguments could not be read, where they could not: cut or wrong JSON. Such a call is never run. */
  readonly invalid?: string;
}

export interface ModelMessage {
  /** `tool`: what came of one call of the assistant's message before it. */
  readonly role: "user" | "assistant" | "tool";
  readonly content: string;
  /** Of an assistant. */
  readonly calls?: readonly ToolCall[];
  /** Of a tool: which call it answers. */
  readonly call?: Pick<ToolCall, "id" | "name">;
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
  /** `stop`, `length` (cut), `tool-calls`, `content-filter`, … */
  readonly finish: string;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/**
 * What went wrong, in the words that people are told. `unreachable`: no request can have got there; `connection lost`: one may have,
 * and the model may have worked on it.
 */
export type ModelFailure =
  | "rate limited"
  | "overloaded"
  | "unreachable"
  | "connection lost"
  | "timed out"
  | "key refused"
  | "request refused"
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
  /** Rejects with nothing but `ModelError`, or the signal's reason when aborted. The message holds no key. */
  call(choice: ModelConfig, request: ModelRequest, signal: AbortSignal): Promise<ModelReply>;
}
