import type { ModelConfig } from "./config.ts";

export interface ModelMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
}

export interface ModelRequest {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  readonly maxOutputTokens: number;
}

export interface ModelReply {
  readonly text: string;
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
