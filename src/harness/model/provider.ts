import type { Secret } from "../../base/secret.ts";
import type { ModelConfig } from "../config.ts";

/** A model as the AI SDK's packages give it: their common interface, version 4. */
export type LanguageModel = ReturnType<ReturnType<typeof import("@ai-sdk/anthropic").createAnthropic>>;

/**
 * The AI SDK's model for a choice. Each provider's package is loaded when it is first asked for: an idle harness holds none.
 * `key` is missing for servers that ask for none.
 */
export async function languageModel(choice: ModelConfig, key: Secret | undefined): Promise<LanguageModel> {
  const apiKey = key?.reveal() ?? "none";
  const at = (path: string) => (choice.baseUrl === undefined ? {} : { baseURL: withPath(choice.baseUrl, path) });
  switch (choice.provider) {
    case "rehearsal":
    case "anthropic": {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ apiKey, ...at("/v1") })(choice.model);
    }
    case "openai": {
      const { createOpenAI } = await import("@ai-sdk/openai");
      return createOpenAI({ apiKey, ...at("/v1") })(choice.model);
    }
    case "google": {
      const { createGoogleGenerativeAI } = await import("@ai-sdk/google");
      return createGoogleGenerativeAI({ apiKey, ...at("/v1beta") })(choice.model);
    }
    case "openai-compatible": {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      return createOpenAICompatible({
        name: "compatible",
        ...(key === undefined ? {} : { apiKey }),
        baseURL: withPath(choice.baseUrl!, "/v1"),
        // Most servers tell what a streamed answer took only to who asks for it.
        includeUsage: true,
      })(choice.model);
    }
  }
}

/** The root of a server or its versioned address: both are understood. */
function withPath(base: string, path: string): string {
  return /\/v\d+(beta)?$/.test(base) ? base : `${base}${path}`;
}
