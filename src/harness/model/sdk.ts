import { generateText, jsonSchema, type ModelMessage as SdkMessage, type ToolSet, tool } from "ai";
import type { Secret } from "../../base/secret.ts";
import type { ModelConfig } from "../config.ts";
import type { ModelMessage, ModelReply, ModelRequest, ToolSpec } from "../model-port.ts";
import { languageModel } from "./provider.ts";

// Its warnings would go to stderr past the log.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

/** One call through the AI SDK. This file and all it imports are loaded with the first call, and bundled apart: see bundle.ts. */
export async function generate(
  choice: ModelConfig,
  request: ModelRequest,
  key: Secret | undefined,
  signal: AbortSignal,
): Promise<ModelReply> {
  const result = await generateText({
    model: await languageModel(choice, key),
    instructions: request.system,
    messages: request.messages.map(toSdk),
    ...(request.tools === undefined ? {} : { tools: toolSet(request.tools) }),
    maxOutputTokens: request.maxOutputTokens,
    maxRetries: 0,
    abortSignal: signal,
  });
  return {
    text: result.text,
    calls: result.toolCalls.map(({ toolCallId, toolName, input, ...call }) => ({
      id: toolCallId,
      name: toolName,
      input,
      ...("invalid" in call && call.invalid ? { invalid: String("error" in call ? call.error : "unreadable") } : {}),
    })),
    finish: result.finishReason,
    inputTokens: result.usage.inputTokens ?? 0,
    cachedTokens: result.usage.inputTokenDetails?.cacheReadTokens ?? 0,
    outputTokens: result.usage.outputTokens ?? 0,
  };
}

/** Without `execute`: the loop is ours. */
function toolSet(tools: readonly ToolSpec[]): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters) }),
    ]),
  );
}

function toSdk({ role, content, calls, call }: ModelMessage): SdkMessage {
  if (role === "user") return { role, content };
  if (role === "tool") {
    const { id, name } = call!;
    return {
      role,
      content: [{ type: "tool-result", toolCallId: id, toolName: name, output: { type: "text", value: content } }],
    };
  }
  if (calls === undefined || calls.length === 0) return { role, content };
  const text = content === "" ? [] : [{ type: "text" as const, text: content }];
  return {
    role,
    content: [
      ...text,
      ...calls.map(({ id, name, input }) => ({ type: "tool-call" as const, toolCallId: id, toolName: name, input })),
    ],
  };
}
