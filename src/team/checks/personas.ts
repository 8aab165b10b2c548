import { asList, asText, type Draft } from "../draft.ts";
import type { Problem } from "../problems.ts";
import type { Path } from "../source.ts";

/** What all of an agent's own words may have together: persona, tone and rules are sent with every call. */
const mostCharacters = 4000;

/** Looks like a credential, whatever it opens. */
const credentials: readonly (readonly [RegExp, string])[] = [
  [/\b(sk|pk|rk)[-_][A-Za-z0-9_-]{16,}/, "an API key"],
  [/\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})/, "a token of a forge"],
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/, "an AWS key"],
  [/\bAIza[\w-]{30,}/, "a Google key"],
  [/\bxox[abprs]-[\w-]{10,}/, "a chat token"],
  [/AGE-SECRET-KEY-1/, "an age identity"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/\b(password|passwd|secret|token|api[ _-]?key)\b\s*[:=]\s*\S{4,}/i, "a password or token"],
];

const unfinished = /\b(TODO|FIXME|XXX|lorem ipsum|your name here)\b|\{\{[^}]*\}\}|\$\{[^}]*\}|<(name|agent|team)>/i;

/** Personas that are unfinished, speak of another agent or of people that are not there, hold secrets, or are too long. */
export function checkPersonas(draft: Draft): Problem[] {
  const shared = textsOf(["defaults", "rules"], draft.defaults.rules).concat(
    textsOf(["defaults", "facts"], draft.defaults.facts),
  );
  const agents = draft.names("agents");
  const known = [...agents, ...draft.names("people"), "all", "channel", "here"];
  return [
    ...shared.flatMap(({ path, text }) => lint(path, text, known)),
    ...draft.section("agents").flatMap(([name, agent]): Problem[] => {
      const texts = (["persona", "tone", "rules"] as const).flatMap((key) =>
        textsOf(["agents", name, key], agent[key]),
      );
      const length = texts.reduce((sum, { text }) => sum + text.length, 0);
      return [
        ...texts.flatMap(({ path, text }) => lint(path, text, known)),
        ...stranger(name, asText(agent.persona) ?? "", agents),
        ...(length <= mostCharacters
          ? []
          : [
              problem(
                ["agents", name, "persona"],
                `persona, tone and rules of ${name} have ${length} characters, all of which are sent with every call`,
                `Keep them under ${mostCharacters} together.`,
              ),
            ]),
      ];
    }),
  ];
}

function textsOf(path: Path, value: unknown): { path: Path; text: string }[] {
  if (Array.isArray(value)) return asList(value).flatMap((entry, index) => textsOf([...path, index], entry));
  const text = asText(value);
  return text === undefined ? [] : [{ path, text }];
}

function lint(path: Path, text: string, known: readonly string[]): Problem[] {
  const secret = credentials.find(([pattern]) => pattern.test(text))?.[1];
  // Alone: what else there is to say about this text would quote it.
  if (secret !== undefined) {
    const message = `looks like ${secret}, which every model would be sent`;
    return [{ ...problem(path, message, "Take it out, and end it where it came from."), secret: true }];
  }
  const left = unfinished.exec(text)?.[0];
  const nobody = [...text.matchAll(/(?<![\w.@/])@([a-z][a-z0-9-]*)/g)]
    .map(([, name]) => name!)
    .find((name) => !known.includes(name));
  return [
    ...(left === undefined ? [] : [problem(path, `is unfinished: ${left}`, "Write what belongs there.")]),
    ...(nobody === undefined
      ? []
      : [problem(path, `speaks of @${nobody}, who is not in this team`, "Name an agent or a person of this file.")]),
  ];
}

/** A persona that was copied: "You are Apollo" said to athena. */
function stranger(name: string, persona: string, agents: readonly string[]): Problem[] {
  const said = /\bYou are ([A-Z][\w-]*)/.exec(persona)?.[1]?.toLowerCase();
  if (said === undefined || said === name || !agents.includes(said)) return [];
  return [problem(["agents", name, "persona"], `tells ${name} that it is ${said}`, `Write the persona of ${name}.`)];
}

function problem(path: Path, message: string, fix: string): Problem {
  return { code: "E-TEAM-PERSONA", path, message, fix };
}
