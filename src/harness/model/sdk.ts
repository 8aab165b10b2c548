import { generateText } from "ai";
import type { Secret } from "../../base/secret.ts";
import type { ModelConfig } from "../config.ts";
import type { ModelReply, ModelRequest } from "../model-port.ts";
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
    messages: request.messages.map((message) => ({ ...message })),
    maxOutputTokens: request.maxOutputTokens,
    maxRetries: 0,
    abortSignal: signal,
  });
  return {
    text: result.text,
    finish: result.finishReason,
    inputTokens: result.usage.inputTokens ?? 0,
    cachedTokens: result.usage.inputTokenDetails?.cacheReadTokens ?? 0,
    outputTokens: result.usage.outputTokens ?? 0,
  };
}
