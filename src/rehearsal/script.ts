import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";

const answerSchema = z.strictObject({
  /** JavaScript regular expression on the last user message, case ignored. */
  match: z.string().refine(isRegex, "not a regular expression"),
  /** `$1` and so on stand for the expression's groups, `$agent` for who the system prompt says is speaking. */
  reply: z.string(),
  /** Seconds before it answers; `$1` takes them from the expression's first group, at most 60. */
  delay: z.union([z.number().nonnegative(), z.literal("$1")]).default(0),
  /** Answers with this HTTP status instead, `times` times (always, unless given). */
  status: z.int().min(400).max(599).optional(),
  times: z.int().positive().optional(),
});

export const scriptSchema = z.strictObject({ answers: z.array(answerSchema).min(1) });

export type Script = z.output<typeof scriptSchema>;
export type ScriptAnswer = Script["answers"][number];

/** What the rehearsal model says when nobody wrote a script. The first match counts; the last matches everything. */
export const defaultScript: z.input<typeof scriptSchema> = {
  answers: [
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

/** What a script makes of a message: the first answer that matches and is not used up. `used` counts by answer. */
export function choose(
  script: Script,
  message: string,
  used: Map<ScriptAnswer, number>,
): { answer: ScriptAnswer; match: RegExpExecArray } | undefined {
  for (const answer of script.answers) {
    const match = new RegExp(answer.match, "i").exec(message);
    const count = used.get(answer) ?? 0;
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

function isRegex(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
