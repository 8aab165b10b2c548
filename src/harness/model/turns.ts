import type { ModelMessage, ModelRequest } from "../model-port.ts";
import type { LanguageModel } from "./provider.ts";

export type Prompt = Parameters<LanguageModel["doStream"]>[0]["prompt"];
export type AssistantContent = Extract<Prompt[number], { role: "assistant" }>["content"];
type ToolContent = Extract<Prompt[number], { role: "tool" }>["content"];

/** A conversation in the SDK's form. Results that stand one after the other become one message, as providers want it. */
export function toPrompt({ system, messages }: ModelRequest, by: string): Prompt {
  const prompt: Prompt = [{ role: "system", content: system }];
  for (const message of messages) {
    const last = prompt.at(-1);
    if (message.role === "user") prompt.push({ role: "user", content: [{ type: "text", text: message.content }] });
    else if (message.role === "assistant") prompt.push({ role: "assistant", content: assistantContent(message, by) });
    else if (last?.role === "tool") last.content.push(...toolContent(message));
    else prompt.push({ role: "tool", content: toolContent(message) });
  }
  return prompt;
}

function assistantContent({ content, calls = [], native }: ModelMessage, by: string): AssistantContent {
  if (native?.by === by) return native.content as AssistantContent;
  return [
    ...(content === "" ? [] : [{ type: "text" as const, text: content }]),
    ...calls.map(({ id, name, input }) => ({
      type: "tool-call" as const,
      toolCallId: id,
      toolName: name,
      input: sendable(input),
    })),
  ];
}

function toolContent({ content, call }: ModelMessage): ToolContent {
  if (call === undefined) throw new TypeError("a tool's message names the call that it answers");
  return [{ type: "tool-result", toolCallId: call.id, toolName: call.name, output: { type: "text", value: content } }];
}

/** Providers refuse a conversation in which a call's arguments are no object, also where it was they who wrote it. */
export function sendable(input: unknown): object {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
}
