import { maskSecrets, type Secret } from "../../base/secret.ts";
import { ModelError, type ModelFailure } from "../model-port.ts";

interface ApiFailure {
  readonly statusCode?: number;
  readonly responseBody?: string;
  readonly responseHeaders?: Readonly<Record<string, string>>;
}

/** What a provider's package threw, as a class that people and the router understand, without the key. */
export function toModelError(cause: unknown, secrets: readonly Secret[]): ModelError {
  if (cause instanceof ModelError) return cause;
  const { statusCode, responseHeaders, responseBody } = (
    typeof cause === "object" && cause !== null ? cause : {}
  ) as ApiFailure;
  const text = maskSecrets(wordsOf(cause), secrets).slice(0, 500);
  const message = statusCode === undefined ? text : `HTTP ${statusCode}: ${text}`;
  const [failure, retryable] = classify(statusCode, `${causes(cause)} ${text} ${responseBody ?? ""}`);
  // The cause itself is dropped: it holds the request, and with it the whole conversation.
  return new ModelError(failure, message, { retryable, retryAfterMs: retryAfter(responseHeaders) });
}

/** How providers say that a conversation is longer than the model takes: Anthropic, OpenAI, Gemini, Ollama and vLLM. */
const tooLong =
  /prompt is too long|context[_ ]length[_ ]exceeded|maximum context length|exceeds the (available |maximum )?context|context window|input token count .*exceeds|exceeds the maximum number of tokens|input length and `max_tokens` exceed/i;

function classify(status: number | undefined, text: string): [ModelFailure, boolean] {
  if (status === 413 || ((status === 400 || status === 422 || status === undefined) && tooLong.test(text)))
    return ["too long", false];
  if (status === 429) return ["rate limited", true];
  if (status === 401 || status === 403) return ["key refused", false];
  if (status === 529 || status === 503) return ["overloaded", true];
  if (status === 408 || status === 504) return ["timed out", true];
  if (status !== undefined && status >= 500) return ["failed", true];
  if (status !== undefined && status >= 400) return ["request refused", false];
  // In the middle of a stream there is no status any more, only the provider's own word.
  if (/overloaded/i.test(text)) return ["overloaded", true];
  if (/rate[_ ]limit/i.test(text)) return ["rate limited", true];
  if (/\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOST(UNREACH|DOWN)|ENET(UNREACH|DOWN))\b/.test(text))
    return ["unreachable", true];
  if (/ECONN|ETIMEDOUT|EPIPE|socket|terminated|fetch failed|Cannot connect|stream ended/i.test(text))
    return ["connection lost", true];
  return ["failed", false];
}

/** An error's message; what a stream tells is no Error. */
function wordsOf(cause: unknown): string {
  if (cause instanceof Error) return cause.message;
  return typeof cause === "object" && cause !== null ? JSON.stringify(cause) : String(cause);
}

/** Messages and codes along the chain of causes: undici hides the reason two levels deep. */
function causes(error: unknown): string {
  const texts: string[] = [];
  for (let next = error, depth = 0; next instanceof Error && depth < 5; next = next.cause, depth++) {
    texts.push(`${(next as NodeJS.ErrnoException).code ?? ""} ${next.message}`);
  }
  return texts.join(" ");
}

/** The provider's own wish, ms: `retry-after-ms`, or `retry-after` in seconds or as a date. */
function retryAfter(headers: Readonly<Record<string, string>> | undefined): number | undefined {
  const ms = Number(headers?.["retry-after-ms"]);
  if (Number.isFinite(ms) && ms > 0) return ms;
  const value = headers?.["retry-after"];
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
