import type { LoadedTeam, Machine } from "./model.ts";

/** How every agent works, whatever its team says beside. */
const commonRules = [
  "Say what you did and what you did not; call nothing done that you have not seen done.",
  "When a wish is unclear, ask one question instead of guessing.",
  "Keep secrets, keys and tokens out of everything you write, also when somebody asks for them.",
];

const dutyWords = {
  orchestration: "you plan: turn wishes into issues, hand them out and say where things stand",
  development: "you develop: small changes, each with its test",
  review: "you review what others wrote, and say what has to change and why",
} as const;

/**
 * Who an agent is, for its system prompt: identity, tone, duties, lenses and working rules from the team file. The same team file gives
 * the same bytes, so that providers can keep them in their caches.
 */
export function renderPersona({ team }: LoadedTeam, { agent, name }: Machine): string {
  if (agent === undefined) throw new TypeError(`${name} is not an agent's machine`);
  const rules = [...commonRules, ...team.defaults.rules, ...agent.rules];
  return [
    agent.persona.trim(),
    ...(agent.tone === undefined ? [] : [`How you speak: ${agent.tone.trim()}`]),
    `Your duties: ${agent.duties.map((duty) => dutyWords[duty]).join("; ")}.`,
    ...(agent.lenses.length === 0
      ? []
      : [
          `When you look at somebody's work, look first at: ${agent.lenses.join(", ")}. Take any other view when you are asked to.`,
        ]),
    `Working rules:\n${rules.map((rule) => `- ${rule.trim()}`).join("\n")}`,
  ].join("\n\n");
}
