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
        const { generate } = await import("./sdk.ts");
        return await generate(choice, request, key, signal);
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        throw toModelError(cause, key === undefined ? [] : [key]);
      }
    },
  };
}
