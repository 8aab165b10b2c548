import { ModelError, type ModelReply, type ModelRequest, type ToolCall } from "../model-port.ts";
import type { LanguageModel } from "./provider.ts";
import { type AssistantContent, sendable } from "./turns.ts";

type Stream = Awaited<ReturnType<LanguageModel["doStream"]>>["stream"];
type Part = Stream extends ReadableStream<infer P> ? P : never;
type Metadata = Extract<Part, { type: "text-start" }>["providerMetadata"];
type Finish = Extract<Part, { type: "finish" }>;
/** A piece of the answer while it is being written. Of a call, `text` is its arguments' JSON. */
interface Piece {
  readonly type: "text" | "reasoning" | "tool-call";
  /** Of a call: what the model named it. */
  readonly id: string;
  readonly name: string;
  text: string;
  metadata: Metadata;
  ended: boolean;
}

/**
 * Reads a model's answer to its end. Throws ModelError `connection lost` when the stream ends before the model said that it is done:
 * half an answer is none. `by` is who answers; ids of calls in `request` are not given again.
 */
export async function collect(stream: Stream, by: string, request: ModelRequest): Promise<ModelReply> {
  const pieces = new Map<string, Piece>();
  let finish: Finish | undefined;
  for await (const part of stream) {
    if (part.type === "error") throw part.error;
    if (part.type === "finish") finish = part;
    else take(pieces, part);
  }
  if (finish === undefined || finish.finishReason.unified === "interrupted")
    throw new ModelError("connection lost", "the answer broke off before its end", { retryable: true });
  const { unified, raw } = finish.finishReason;
  // As Gemini does for arguments that are no JSON.
  if (unified === "error")
    throw new ModelError("failed", `the model ended its answer with ${raw ?? "an error"}`, { retryable: true });
  const { inputTokens, outputTokens } = finish.usage;
  return {
    ...compose([...pieces.values()], unified === "length", by, request),
    finish: unified,
    inputTokens: inputTokens.total ?? 0,
    cachedTokens: inputTokens.cacheRead ?? 0,
    cacheWriteTokens: inputTokens.cacheWrite ?? 0,
    outputTokens: outputTokens.total ?? 0,
    ...(inputTokens.total === undefined || outputTokens.total === undefined ? { unmetered: true } : {}),
  };
}

function take(pieces: Map<string, Piece>, part: Exclude<Part, Finish>): void {
  const begin = (key: string, type: Piece["type"], metadata: Metadata, id = "", name = ""): Piece => {
    const piece = pieces.get(key) ?? { type, id, name, text: "", metadata: undefined, ended: false };
    piece.metadata = metadata ?? piece.metadata;
    pieces.set(key, piece);
    return piece;
  };
  switch (part.type) {
    case "text-start":
    case "text-end":
      begin(`text ${part.id}`, "text", part.providerMetadata);
      return;
    case "text-delta":
      begin(`text ${part.id}`, "text", part.providerMetadata).text += part.delta;
      return;
    case "reasoning-start":
    case "reasoning-end":
      begin(`reasoning ${part.id}`, "reasoning", part.providerMetadata);
      return;
    case "reasoning-delta":
      begin(`reasoning ${part.id}`, "reasoning", part.providerMetadata).text += part.delta;
      return;
    case "tool-input-start":
      begin(freeKey(pieces, part.id), "tool-call", part.providerMetadata, part.id, part.toolName);
      return;
    case "tool-input-delta":
      (pieces.get(openKey(pieces, part.id) ?? "") ?? { text: "" }).text += part.delta;
      return;
    case "tool-call": {
      const key = openKey(pieces, part.toolCallId) ?? freeKey(pieces, part.toolCallId);
      const piece = begin(key, "tool-call", part.providerMetadata, part.toolCallId, part.toolName);
      piece.text = part.input;
      piece.ended = true;
    }
  }
}

const callKey = (id: string, count: number): string => `call ${count} ${id}`;

/** The key of a call that began and has not ended: some models give several calls the same id. */
function openKey(pieces: ReadonlyMap<string, Piece>, id: string): string | undefined {
  for (let count = 1; pieces.has(callKey(id, count)); count++)
    if (pieces.get(callKey(id, count))?.ended === false) return callKey(id, count);
  return undefined;
}

function freeKey(pieces: ReadonlyMap<string, Piece>, id: string): string {
  let count = 1;
  while (pieces.has(callKey(id, count))) count++;
  return callKey(id, count);
}

function compose(
  pieces: readonly Piece[],
  cut: boolean,
  by: string,
  request: ModelRequest,
): Pick<ModelReply, "text" | "calls" | "native"> {
  const taken = new Set(request.messages.flatMap(({ calls = [] }) => calls.map(({ id }) => id)));
  const calls: ToolCall[] = [];
  const content: AssistantContent = [];
  let text = "";
  let renamed = false;
  pieces.forEach((piece, index) => {
    const metadata = piece.metadata === undefined ? {} : { providerOptions: piece.metadata };
    if (piece.type !== "tool-call") {
      if (piece.type === "text") text += piece.text;
      if (piece.text !== "" || piece.metadata !== undefined)
        content.push({ type: piece.type, text: piece.text, ...metadata });
      return;
    }
    // A conversation with one id twice is refused, and some models repeat theirs.
    const own = piece.id !== "" && !taken.has(piece.id);
    const id = own ? piece.id : freshId(taken);
    renamed ||= !own;
    const call = toCall(piece, id, cut && index === pieces.length - 1);
    taken.add(id);
    calls.push(call);
    content.push({
      type: "tool-call",
      toolCallId: call.id,
      toolName: call.name,
      input: sendable(call.input),
      ...metadata,
    });
  });
  // Only what has more than text and calls is worth keeping.
  const rich = !renamed && pieces.some(({ type, metadata }) => type === "reasoning" || metadata !== undefined);
  return {
    text,
    ...(calls.length === 0 ? {} : { calls }),
    ...(rich ? { native: { by, content: JSON.parse(JSON.stringify(content)) as unknown } } : {}),
  };
}

function freshId(taken: ReadonlySet<string>): string {
  let number = taken.size + 1;
  while (taken.has(`call-${number}`)) number++;
  return `call-${number}`;
}

function toCall({ name, text, ended }: Piece, id: string, cut: boolean): ToolCall {
  if (cut || !ended) return { id, name, input: {}, invalid: "the arguments were cut off at the limit for one answer" };
  try {
    return { id, name, input: JSON.parse(text.trim() === "" ? "{}" : text) as unknown };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { id, name, input: {}, invalid: `the arguments are no valid JSON: ${why.slice(0, 200)}` };
  }
}
