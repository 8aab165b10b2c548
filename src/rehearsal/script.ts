import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import { forgeAnswers } from "./script-forge.ts";
import type { Asked } from "./wire.ts";

const regex = z.string().refine(isRegex, "not a regular expression");

const toolSchema = z.strictObject({
  name: z.string().min(1),
  input: z.unknown().default({}),
  /** The arguments as the model writes them, where they are to be no JSON. */
  raw: z.string().optional(),
  /** The call's id, where it is to be a repeated one. */
  id: z.string().optional(),
});

/**
 * What goes wrong. `cut`: the stream ends in the middle, in order; `broken`: the connection is lost there; `reset`: before any answer.
 * `overflow`: the conversation is too long. `refusal`: the model declines. `empty`: it says nothing; `thinking`: it only thinks.
 * `limit`: the answer, or the last tool's arguments, are cut at the limit for one answer.
 */
const faults = ["cut", "broken", "reset", "overflow", "refusal", "empty", "thinking", "limit"] as const;

const answerSchema = z.strictObject({
  /** JavaScript regular expression on the last message (of a person, or what a tool gave), case ignored. */
  match: regex,
  /** The same on the model's name; any unless given. */
  model: regex.optional(),
  /** Counts only where this tool is offered. */
  with: z.string().min(1).optional(),
  /** `$1` and so on stand for the expression's groups, in texts of `tools` too; `$agent` for who the system prompt says is speaking. */
  reply: z.string().default(""),
  /** Tools that it asks for. */
  tools: z.array(toolSchema).default([]),
  /** What it thinks before. */
  thinking: z.string().default(""),
  fault: z.enum(faults).optional(),
  /** Milliseconds between the pieces of a stream. */
  pace: z.number().nonnegative().default(0),
  /** Seconds that the client is asked to wait, beside `status`. */
  retryAfter: z.number().nonnegative().optional(),
  /** Seconds before it answers; `$1` takes them from the expression's first group, at most 60. */
  delay: z.union([z.number().nonnegative(), z.literal("$1")]).default(0),
  /** Answers with this HTTP status instead, `times` times (always, unless given). */
  status: z.int().min(400).max(599).optional(),
  times: z.int().positive().optional(),
});

export const scriptSchema = z.strictObject({ answers: z.array(answerSchema).min(1) });

/** A script as written, in a file or a test. */
export type ScriptInput = z.input<typeof scriptSchema>;

export type Script = z.output<typeof scriptSchema>;
export type ScriptAnswer = Script["answers"][number];

/** What the rehearsal model says when nobody wrote a script. The first match counts; the last matches everything. */
export const defaultScript: ScriptInput = {
  answers: [
    ...forgeAnswers,
    {
      match: "\\bwho are you\\b|\\bintroduce yourself\\b",
      reply:
        "I am $agent, an AI employee of this team. This is a rehearsal: a script answers in place of a language model, everything else is real.",
    },
    {
      match: "\\bhypervisors?\\b",
      reply: "From the team's facts (this is a rehearsal, so I only repeat them):\n\n$facts",
    },
    {
      // For trying what happens while an answer is being made: kill the agent, restart the chat.
      match: "\\btake (\\d+) seconds?\\b",
      reply: "I took $1 seconds. (This is a rehearsal: a script answers in place of a language model.)",
      delay: "$1",
    },
    {
      match: "\\b(hello|hi|hey|good morning)\\b",
      reply: "Hello! (This is a rehearsal: a script answers in place of a language model.)",
    },
    {
      match: "[\\s\\S]*",
      reply:
        "I read your message. This is a rehearsal: a script answers in place of a language model. Give the team file a model with a key, and I shall think for myself.",
    },
  ],
};

/** A script from a YAML or JSON file; the default one when no file is named. Throws E-REHEARSAL-SCRIPT for a wrong one. */
export function loadScript(file?: string): Script {
  if (file === undefined) return scriptSchema.parse(defaultScript);
  try {
    return scriptSchema.parse(parse(readFileSync(file, "utf8")));
  } catch (cause) {
    const message = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new OlympusError(`the rehearsal script is wrong: ${message}`, {
      code: "E-REHEARSAL-SCRIPT",
      exit: exitCodes.usage,
      where: file,
      hint: 'write  answers: [{match: "who are you", reply: "I am $agent"}]',
      cause,
    });
  }
}

/** What a script makes of a request: the first answer that matches and is not used up. `used` counts by answer. */
export function choose(
  script: Script,
  { model, messages, tools = [] }: Pick<Asked, "model" | "messages"> & Partial<Pick<Asked, "tools">>,
  used: Map<ScriptAnswer, number>,
): { answer: ScriptAnswer; match: RegExpExecArray } | undefined {
  const message = messages.at(-1)?.content ?? "";
  for (const answer of script.answers) {
    const match = new RegExp(answer.match, "i").exec(message);
    const count = used.get(answer) ?? 0;
    if (answer.with !== undefined && !tools.includes(answer.with)) continue;
    if (answer.model !== undefined && !new RegExp(answer.model, "i").test(model)) continue;
    if (match === null || (answer.times !== undefined && count >= answer.times)) continue;
    used.set(answer, count + 1);
    return { answer, match };
  }
  return undefined;
}

/** Seconds that an answer waits before it is given. */
export function delayOf(answer: ScriptAnswer, match: RegExpExecArray): number {
  return answer.delay === "$1" ? Math.min(Number(match[1] ?? 0), 60) : answer.delay;
}

/** Fills `$agent`, `$facts` and `$1` in. Agent and facts are read from the system prompt that the harness writes. */
export function fill(reply: string, match: RegExpExecArray, system: string): string {
  const agent = /\bYou are ([\w-]+)/.exec(system)?.[1] ?? "an agent";
  const facts = /Facts about your team:\n((?:- .*\n?)+)/.exec(system)?.[1]?.trim() ?? "(none were given)";
  return reply.replace(/\$(agent|facts|\d)/g, (_, name: string) =>
    name === "agent" ? agent : name === "facts" ? facts : (match[Number(name)] ?? ""),
  );
}

/** A tool's input with `$1` and so on filled in, wherever a text stands in it. */
export function fillInput(input: unknown, match: RegExpExecArray, system: string): unknown {
  if (typeof input === "string") return fill(input, match, system);
  if (Array.isArray(input)) return input.map((one) => fillInput(one, match, system));
  if (input === null || typeof input !== "object") return input;
  return Object.fromEntries(Object.entries(input).map(([key, one]) => [key, fillInput(one, match, system)]));
}

function isRegex(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
