import { openaiError } from "./openai.ts";
import { type Answer, type Asked, type AskedMessage, listOf, parsed, pieces, textOf, type Wire } from "./wire.ts";

/** OpenAI's Responses: POST /v1/responses. */
export const openaiResponses: Wire = {
  name: "openai-responses",
  serves: (path) => path === "/v1/responses",

  read(body) {
    if (typeof body.model !== "string") return "Missing required parameter: 'model'.";
    const given = typeof body.input === "string" ? [{ role: "user", content: body.input }] : listOf(body.input);
    if (given.length === 0) return "Missing required parameter: 'input'.";
    const ids = new Set<string>();
    for (const item of given) {
      if (item.type === "function_call") ids.add(String(item.call_id));
      if (item.type === "function_call_output" && !ids.has(String(item.call_id)))
        return `No tool call found for function call output with call_id ${String(item.call_id)}.`;
    }
    const isSystem = ({ role }: Readonly<Record<string, unknown>>) => role === "system" || role === "developer";
    return {
      model: body.model,
      system: [String(body.instructions ?? ""), ...given.filter(isSystem).map(({ content }) => textOf(content))]
        .filter((text) => text !== "")
        .join("\n"),
      messages: given.filter((item) => !isSystem(item)).flatMap(messageOf),
      tools: listOf(body.tools).map(({ name }) => String(name)),
      stream: body.stream === true,
      limit: typeof body.max_output_tokens === "number" ? body.max_output_tokens : undefined,
    };
  },

  whole: (answer, asked) => response(answer, asked, items(answer)),

  *events(answer, asked) {
    let sequence = 0;
    const event = (type: string, data: object) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...data })}\n\n`;
    const begun = { ...response(answer, asked, []), status: "in_progress", incomplete_details: null, usage: null };
    yield event("response.created", { response: begun });
    for (const [output_index, item] of items(answer).entries()) {
      const { id } = item;
      yield event("response.output_item.added", { output_index, item: { ...item, ...item.empty, empty: undefined } });
      for (const delta of pieces(item.type === "message" ? answer.text : (item.arguments ?? "")))
        yield item.type === "message"
          ? event("response.output_text.delta", { item_id: id, output_index, content_index: 0, delta, logprobs: [] })
          : event("response.function_call_arguments.delta", { item_id: id, output_index, delta });
      yield event("response.output_item.done", { output_index, item: { ...item, empty: undefined } });
    }
    const full = response(answer, asked, items(answer));
    yield event(`response.${full.status}`, { response: full });
  },

  refusal: openaiError,
};

interface Item {
  readonly type: "message" | "function_call" | "reasoning";
  readonly id: string;
  readonly arguments?: string;
  /** What is not there yet when it is announced. */
  readonly empty: object;
}

function items({ id, text, thinking, calls, finish }: Answer): Item[] {
  const reasoning = {
    type: "reasoning" as const,
    id: `rs_${id}`,
    summary: [] as object[],
    encrypted_content: "rehearsed",
    empty: {},
  };
  const message = {
    type: "message" as const,
    id: `msg_${id}`,
    role: "assistant",
    status: finish === "end" || finish === "calls" ? "completed" : "incomplete",
    content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
    empty: { content: [], status: "in_progress" },
  };
  return [
    ...(thinking === "" ? [] : [reasoning]),
    ...(text === "" ? [] : [message]),
    ...calls.map((call) => ({
      type: "function_call" as const,
      id: `fc_${call.id}`,
      call_id: call.id,
      name: call.name,
      arguments: call.arguments,
      status: "completed",
      empty: { arguments: "", status: "in_progress" },
    })),
  ];
}

function response({ id, finish, usage }: Answer, { model }: Asked, output: readonly Item[]) {
  const reason = { end: undefined, calls: undefined, limit: "max_output_tokens", declined: "content_filter" }[finish];
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: 1,
    model,
    status: reason === undefined ? "completed" : "incomplete",
    incomplete_details: reason === undefined ? null : { reason },
    error: null,
    output: output.map((item) => ({ ...item, empty: undefined })),
    usage: {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: usage.cached },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.input + usage.output,
    },
  };
}

/** Calls and their results are items of their own in this format. */
function messageOf(item: Readonly<Record<string, unknown>>): AskedMessage[] {
  if (item.type === "function_call")
    return [{ role: "assistant", content: "", calls: [{ name: String(item.name), input: parsed(item.arguments) }] }];
  if (item.type === "function_call_output") return [{ role: "tool", content: outputOf(item.output) }];
  if (item.role === "user" || item.role === "assistant") return [{ role: item.role, content: textOf(item.content) }];
  return [];
}

const outputOf = (output: unknown): string => (typeof output === "string" ? output : textOf(output));
