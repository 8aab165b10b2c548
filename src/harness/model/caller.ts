import type { Secret } from "../../base/secret.ts";
import type { ModelConfig } from "../config.ts";
import type { ModelCaller } from "../model-port.ts";
import { toModelError } from "./failures.ts";

/** Calls models through the AI SDK, which is loaded with the first call. `keyOf` gives a choice's key, if it has one. */
export function sdkCaller(keyOf: (choice: ModelConfig) => Secret | undefined): ModelCaller {
  return {
    async call(choice, request, signal) {
      const key = keyOf(choice);
      try {
        const [{ generateText }, { languageModel }] = await Promise.all([import("ai"), import("./provider.ts")]);
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
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        throw toModelError(cause, key === undefined ? [] : [key]);
      }
    },
  };
}
