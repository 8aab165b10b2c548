import {
  type Answer,
  type Asked,
  type AskedMessage,
  isObject,
  listOf,
  objectOf,
  pieces,
  textOf,
  type Wire,
} from "./wire.ts";

/** Anthropic's Messages: POST /v1/messages. */
export const anthropic: Wire = {
  name: "anthropic",
  serves: (path) => path === "/v1/messages",

  read(body) {
    if (typeof body.model !== "string") return "model: field required";
    if (typeof body.max_tokens !== "number" || body.max_tokens < 1) return "max_tokens: field required";
    const given = listOf(body.messages);
    if (given.length === 0) return "messages: at least one message is required";
    const ids = new Set<string>();
    for (const { role, content } of given) {
      if (role !== "user" && role !== "assistant") return "messages: roles must be user or assistant";
      if (typeof content === "string" && content.trim() === "") return "messages: text content must be non-empty";
      for (const block of listOf(content)) {
        if (block.type === "text" && String(block.text).trim() === "")
          return "messages: text content blocks must be non-empty";
        if (block.type === "tool_use" && !isObject(block.input)) return "tool_use.input: input should be an object";
        if (block.type === "tool_use" && ids.has(String(block.id))) return "`tool_use` ids must be unique";
        if (block.type === "tool_use") ids.add(String(block.id));
        if (block.type === "tool_result" && !ids.has(String(block.tool_use_id)))
          return "unexpected `tool_use_id` found in `tool_result` blocks";
      }
    }
    return {
      model: body.model,
      system: textOf(body.system),
      messages: given.flatMap(messagesOf),
      tools: listOf(body.tools).map(({ name }) => String(name)),
      stream: body.stream === true,
      limit: body.max_tokens,
    };
  },

  whole(answer, asked) {
    return {
      ...head(answer, asked),
      content: blocks(answer).map(({ start, deltas, text }) =>
        deltas === "input_json_delta" ? { ...start, input: objectOf(text) } : { ...start, [fieldOf[deltas]]: text },
      ),
      stop_reason: stopReason[answer.finish],
    };
  },

  *events(answer, asked) {
    const event = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
    const message = head(answer, asked);
    yield event("message_start", { message: { ...message, usage: { ...message.usage, output_tokens: 1 } } });
    for (const [index, { start, deltas, text }] of blocks(answer).entries()) {
      yield event("content_block_start", { index, content_block: start });
      for (const piece of pieces(text))
        yield event("content_block_delta", { index, delta: { type: deltas, [fieldOf[deltas]]: piece } });
      if (deltas === "thinking_delta")
        yield event("content_block_delta", { index, delta: { type: "signature_delta", signature: "rehearsed" } });
      yield event("content_block_stop", { index });
    }
    yield event("message_delta", {
      delta: { stop_reason: stopReason[answer.finish], stop_sequence: null },
      usage: { output_tokens: answer.usage.output },
    });
    yield event("message_stop", {});
  },

  refusal({ status, kind, message }) {
    const type =
      { 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error" }[
        status
      ] ?? (status < 500 ? "invalid_request_error" : "api_error");
    const text = kind === "too long" ? "prompt is too long: 250000 tokens > 200000 maximum" : message;
    return { type: "error", error: { type, message: text } };
  },
};

const stopReason = { end: "end_turn", calls: "tool_use", limit: "max_tokens", declined: "refusal" } as const;
const fieldOf = { text_delta: "text", thinking_delta: "thinking", input_json_delta: "partial_json" } as const;

function head({ id, usage }: Answer, { model }: Asked) {
  return {
    id,
    type: "message",
    role: "assistant",
    model,
    content: [] as object[],
    stop_reason: null as string | null,
    stop_sequence: null,
    usage: {
      input_tokens: usage.input - usage.cached,
      output_tokens: usage.output,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: usage.cached,
    },
  };
}

interface Block {
  readonly start: object;
  readonly deltas: keyof typeof fieldOf;
  readonly text: string;
}

function blocks({ thinking, text, calls }: Answer): Block[] {
  return [
    ...(thinking === ""
      ? []
      : [
          {
            start: { type: "thinking", thinking: "", signature: "" },
            deltas: "thinking_delta" as const,
            text: thinking,
          },
        ]),
    ...(text === "" ? [] : [{ start: { type: "text", text: "" }, deltas: "text_delta" as const, text }]),
    ...calls.map(({ id, name, arguments: json }) => ({
      start: { type: "tool_use", id, name, input: {} },
      deltas: "input_json_delta" as const,
      text: json,
    })),
  ];
}

/** A turn of the user holds results and words; they are messages of their own here. */
function messagesOf({ role, content }: Readonly<Record<string, unknown>>): AskedMessage[] {
  if (role === "assistant") {
    const calls = listOf(content)
      .filter(({ type }) => type === "tool_use")
      .map(({ name, input }) => ({ name: String(name), input }));
    return [{ role, content: textOf(content), ...(calls.length === 0 ? {} : { calls }) }];
  }
  const results = listOf(content)
    .filter(({ type }) => type === "tool_result")
    .map((block): AskedMessage => ({ role: "tool", content: textOf(block.content) }));
  const text = textOf(content);
  return text === "" ? results : [...results, { role: "user", content: text }];
}
