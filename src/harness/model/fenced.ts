import type { ModelConfig } from "../config.ts";
import {
  type ModelCaller,
  ModelError,
  type ModelMessage,
  type ModelReply,
  type ModelRequest,
  type ToolCall,
  type ToolSpec,
} from "../model-port.ts";

/** How servers say that a model knows no calls of tools: Ollama, vLLM, OpenRouter and those like them. */
const noTools =
  /(does not|doesn't|do not) support (the use of )?(tools?|tool use|function)|support tool use|tool choice requires/i;

/**
 * Models that know no calls of tools are asked in words: they end an answer with a fenced block that is named after a tool. Which ones
 * is learned from their servers' refusal, for as long as the process lives; that request cost nothing.
 */
export function fencedWhereNeeded(caller: ModelCaller): ModelCaller {
  const without = new Set<string>();
  const nameOf = ({ provider, model, baseUrl }: ModelConfig) => `${provider} ${model} ${baseUrl ?? ""}`;
  const fenced: ModelCaller["call"] = async (choice, request, signal) =>
    unfence(await caller.call(choice, inWords(request), signal), request);
  return {
    async call(choice, request, signal) {
      if (request.tools === undefined || request.tools.length === 0) return caller.call(choice, request, signal);
      if (without.has(nameOf(choice))) return fenced(choice, request, signal);
      try {
        return await caller.call(choice, request, signal);
      } catch (error) {
        if (!(error instanceof ModelError && error.failure === "request refused" && noTools.test(error.message)))
          throw error;
        without.add(nameOf(choice));
        return fenced(choice, request, signal);
      }
    },
  };
}

/** A request without calls: the tools are explained, and what was called and came of it is told as text. Each message by itself, so that requests stay prefixes of the next. */
function inWords({ tools = [], ...request }: ModelRequest): ModelRequest {
  const told = (message: ModelMessage): ModelMessage => {
    if (message.role === "tool")
      return { role: "user", content: `Outcome of ${message.call?.name ?? "the tool"}:\n${message.content}` };
    const blocks = (message.calls ?? []).map((call) => blockOf(call, tools));
    return { role: message.role, content: [message.content, ...blocks].filter((text) => text !== "").join("\n\n") };
  };
  return { ...request, system: `${request.system}\n\n${explained(tools)}`, messages: request.messages.map(told) };
}

function explained(tools: readonly ToolSpec[]): string {
  const one = (tool: ToolSpec) => {
    const field = onlyText(tool);
    const inside =
      field === undefined ? `JSON: ${JSON.stringify(tool.parameters)}` : `the text of "${field}", as it is`;
    return `- ${tool.name}: ${tool.description} In the block: ${inside}.`;
  };
  return [
    "You use a tool by ending your answer with one block of its name; what comes of it is the next message. One block an answer, nothing after it:",
    "```name\n…\n```",
    "Where the text itself has such lines, take more backticks around the block.",
    ...tools.map(one),
  ].join("\n");
}

/** The argument of a tool that needs only one, a text: written as it is, since small models escape JSON badly. */
function onlyText({ parameters }: ToolSpec): string | undefined {
  const { required, properties } = parameters as {
    required?: readonly string[];
    properties?: Readonly<Record<string, { type?: unknown }>>;
  };
  const [field, ...others] = required ?? [];
  return field !== undefined && others.length === 0 && properties?.[field]?.type === "string" ? field : undefined;
}

function blockOf({ name, input }: ToolCall, tools: readonly ToolSpec[]): string {
  const tool = tools.find((one) => one.name === name);
  const field = tool && onlyText(tool);
  const text = field === undefined ? undefined : (input as Record<string, unknown> | null)?.[field];
  const inside = typeof text === "string" ? text : JSON.stringify(input ?? {});
  const fence = "`".repeat(Math.max(3, ...[...inside.matchAll(/^`+/gm)].map(([run]) => run.length + 1)));
  return `${fence}${name}\n${inside}\n${fence}`;
}

/** The first block that is named after a tool is a call; what a model writes after it, it made up. */
function unfence(reply: ModelReply, { tools = [], messages }: ModelRequest): ModelReply {
  const names = tools.map(({ name }) => name.replace(/[^\w-]/g, "\\$&")).join("|");
  const begin = new RegExp(`^(\`{3,})(${names})[ \\t]*\\n`, "m").exec(reply.text);
  if (begin === null) return reply;
  const [opening, fence, name] = begin as unknown as [string, string, string];
  const rest = reply.text.slice(begin.index + opening.length);
  // One that was never closed ends with the answer; whether that was cut is told by `finish`.
  const inside = rest.split(new RegExp(`^${fence}[ \\t]*$`, "m"))[0]!.replace(/\n$/, "");
  const count = messages.reduce((sum, { calls = [] }) => sum + calls.length, 0);
  const field = onlyText(tools.find((tool) => tool.name === name)!);
  const call = { id: `block-${count + 1}`, name };
  return {
    ...reply,
    text: reply.text.slice(0, begin.index).trim(),
    calls: [field === undefined ? { ...call, ...read(inside) } : { ...call, input: { [field]: inside } }],
  };
}

function read(text: string): Pick<ToolCall, "input" | "invalid"> {
  try {
    return { input: JSON.parse(text) as unknown };
  } catch {
    return { input: {}, invalid: "the block holds no JSON" };
  }
}
