import { type Answer, type Asked, type AskedMessage, listOf, parsed, pieces, textOf, type Wire } from "./wire.ts";

/** OpenAI's Chat Completions, which Ollama, vLLM and most others speak too: POST /v1/chat/completions. */
export const openai: Wire = {
  name: "openai",
  serves: (path) => path === "/v1/chat/completions",

  read(body) {
    if (typeof body.model !== "string") return "you must provide a model parameter";
    const given = listOf(body.messages);
    if (given.length === 0) return "[] is too short - 'messages'";
    const ids = new Set<string>();
    for (const message of given) {
      if (!["system", "developer", "user", "assistant", "tool"].includes(String(message.role)))
        return `invalid role: ${String(message.role)}`;
      for (const { id } of listOf(message.tool_calls)) ids.add(String(id));
      if (message.role === "tool" && !ids.has(String(message.tool_call_id)))
        return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'";
    }
    const isSystem = ({ role }: Readonly<Record<string, unknown>>) => role === "system" || role === "developer";
    const limit = body.max_completion_tokens ?? body.max_tokens;
    return {
      model: body.model,
      system: given
        .filter(isSystem)
        .map(({ content }) => textOf(content))
        .join("\n"),
      messages: given.filter((message) => !isSystem(message)).map(messageOf),
      tools: listOf(body.tools).map((tool) => String((tool.function as { name?: unknown } | undefined)?.name)),
      stream: body.stream === true,
      streamUsage: (body.stream_options as { include_usage?: unknown } | undefined)?.include_usage === true,
      limit: typeof limit === "number" ? limit : undefined,
    };
  },

  whole(answer, asked) {
    const message = {
      role: "assistant",
      content: answer.text === "" ? null : answer.text,
      ...(answer.thinking === "" ? {} : { reasoning_content: answer.thinking }),
      ...(answer.calls.length === 0 ? {} : { tool_calls: answer.calls.map(toolCall) }),
    };
    const choice = { index: 0, message, finish_reason: finishReason[answer.finish] };
    return { ...head(answer, asked, "chat.completion"), choices: [choice], usage: usage(answer) };
  },

  *events(answer, asked) {
    const chunk = (delta: object, finish: string | null = null) => {
      const choices = [{ index: 0, delta, finish_reason: finish }];
      return `data: ${JSON.stringify({ ...head(answer, asked, "chat.completion.chunk"), choices })}\n\n`;
    };
    yield chunk({ role: "assistant", content: "" });
    for (const piece of pieces(answer.thinking)) yield chunk({ reasoning_content: piece });
    for (const piece of pieces(answer.text)) yield chunk({ content: piece });
    for (const [index, call] of answer.calls.entries()) {
      const { id, type, function: named } = toolCall(call);
      yield chunk({ tool_calls: [{ index, id, type, function: { name: named.name, arguments: "" } }] });
      for (const piece of pieces(call.arguments))
        yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
    yield chunk({}, finishReason[answer.finish]);
    const end = "data: [DONE]\n\n";
    if (asked.streamUsage !== true) return yield end;
    const last = { ...head(answer, asked, "chat.completion.chunk"), choices: [], usage: usage(answer) };
    yield `data: ${JSON.stringify(last)}\n\n`;
    yield end;
  },

  refusal: openaiError,
};

/** The errors of both of OpenAI's formats. */
export function openaiError({ status, kind, message }: Parameters<Wire["refusal"]>[0]): object {
  if (kind === "too long") {
    const text =
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens.";
    return {
      error: { message: text, type: "invalid_request_error", param: "messages", code: "context_length_exceeded" },
    };
  }
  const type = status === 429 ? "rate_limit_exceeded" : status < 500 ? "invalid_request_error" : "server_error";
  return { error: { message, type, param: null, code: status === 401 ? "invalid_api_key" : null } };
}

const finishReason = { end: "stop", calls: "tool_calls", limit: "length", declined: "content_filter" } as const;

function head({ id }: Answer, { model }: Asked, object: string) {
  return { id, object, created: 1, model };
}

function usage({ usage: { input, cached, output } }: Answer) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

function toolCall({ id, name, arguments: json }: Answer["calls"][number]) {
  return { id, type: "function", function: { name, arguments: json } };
}

function messageOf({ role, content, tool_calls }: Readonly<Record<string, unknown>>): AskedMessage {
  const calls = listOf(tool_calls).map((call) => {
    const named = call.function as { name?: unknown; arguments?: unknown };
    return { name: String(named.name), input: parsed(named.arguments) };
  });
  return {
    role: role as AskedMessage["role"],
    content: textOf(content),
    ...(calls.length === 0 ? {} : { calls }),
  };
}
