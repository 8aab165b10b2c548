import type { Secret } from "../../base/secret.ts";
import type { ModelConfig } from "../config.ts";
import type { ModelReply, ModelRequest } from "../model-port.ts";
import { type LanguageModel, languageModel } from "./provider.ts";
import { collect } from "./stream.ts";
import { toPrompt } from "./turns.ts";

type CallOptions = Parameters<LanguageModel["doStream"]>[0];

/**
 * One call through the AI SDK's provider packages, streamed. This file and all it imports are loaded with the first call, and bundled
 * apart: see bundle.ts. The providers' own interface, below the SDK's `streamText`: one call is one request there, arguments of tools
 * come as the model wrote them, and an idle harness holds less.
 */
export async function generate(
  choice: ModelConfig,
  request: ModelRequest,
  key: Secret | undefined,
  signal: AbortSignal,
): Promise<ModelReply> {
  const by = `${choice.provider}/${choice.model}`;
  const model = await languageModel(choice, key);
  const { stream } = await model.doStream({
    prompt: toPrompt(request, by),
    maxOutputTokens: request.maxOutputTokens,
    abortSignal: signal,
    ...(request.tools === undefined ? {} : { tools: request.tools.map(toTool), toolChoice: { type: "auto" } }),
    providerOptions: {
      // The conversation up to here is to be found in Anthropic's cache by the next call; others cache by themselves.
      anthropic: { cacheControl: { type: "ephemeral" } },
      // Nothing of a conversation stays with the provider for us to refer to.
      openai: { store: false },
    },
  });
  return collect(stream, by, request);
}

function toTool({ name, description, parameters }: NonNullable<ModelRequest["tools"]>[number]) {
  type Tool = Extract<NonNullable<CallOptions["tools"]>[number], { type: "function" }>;
  return { type: "function", name, description, inputSchema: parameters as Tool["inputSchema"] } satisfies Tool;
}
