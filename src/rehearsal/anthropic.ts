/** Anthropic's Messages wire format, as far as the harness uses it. */

interface Block {
  readonly type: string;
  readonly text?: string;
}

export interface MessagesRequest {
  readonly model: string;
  readonly max_tokens: number;
  readonly stream?: boolean;
  readonly system?: string | readonly Block[];
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: string | readonly Block[] }[];
}

export function textOf(content: string | readonly Block[] | undefined): string {
  if (content === undefined) return "";
  return typeof content === "string" ? content : content.map((block) => block.text ?? "").join("\n");
}

/** What is wrong with a request, in the words that Anthropic's own API would not take it either; undefined when it is right. */
export function wrongWith(body: unknown): string | undefined {
  const request = body as Partial<MessagesRequest> | null;
  if (typeof request !== "object" || request === null) return "the body must be an object";
  if (typeof request.model !== "string") return "model: field required";
  if (typeof request.max_tokens !== "number" || request.max_tokens < 1) return "max_tokens: field required";
  if (!Array.isArray(request.messages) || request.messages.length === 0)
    return "messages: at least one message is required";
  for (const message of request.messages) {
    if (message.role !== "user" && message.role !== "assistant") return "messages: roles must be user or assistant";
    if (textOf(message.content).trim() === "") return "messages: text content blocks must be non-empty";
  }
  return undefined;
}

/** Four characters a token: near enough for budgets to be rehearsed. */
const tokens = (text: string) => Math.max(1, Math.ceil(text.length / 4));

export function message(id: string, request: MessagesRequest, text: string) {
  const input = textOf(request.system) + request.messages.map((one) => textOf(one.content)).join("");
  return {
    id,
    type: "message",
    role: "assistant",
    model: request.model,
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: tokens(input),
      output_tokens: tokens(text),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  };
}

/** The same answer as server-sent events, a few words at a time. */
export function* events(full: ReturnType<typeof message>): Generator<string> {
  const event = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  yield event("message_start", {
    message: { ...full, content: [], stop_reason: null, usage: { ...full.usage, output_tokens: 1 } },
  });
  yield event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  for (const text of full.content[0]!.text.match(/[\s\S]{1,40}/g) ?? []) {
    yield event("content_block_delta", { index: 0, delta: { type: "text_delta", text } });
  }
  yield event("content_block_stop", { index: 0 });
  yield event("message_delta", {
    delta: { stop_reason: full.stop_reason, stop_sequence: null },
    usage: { output_tokens: full.usage.output_tokens },
  });
  yield event("message_stop", {});
}

export function errorBody(status: number, text: string) {
  const type =
    {
      400: "invalid_request_error",
      401: "authentication_error",
      404: "not_found_error",
      429: "rate_limit_error",
      529: "overloaded_error",
    }[status] ?? "api_error";
  return { type: "error", error: { type, message: text } };
}
