import { asList, asMap, asText, type Draft } from "../draft.ts";
import { knownWords } from "../nearest.ts";
import type { Problem } from "../problems.ts";
import type { Path } from "../source.ts";
import { channelProblems } from "./schedules.ts";

/** What the policy names and the file does not have, and rules that nobody could ever approve. */
export function checkPolicy(draft: Draft): Problem[] {
  const policy = asMap(draft.raw.policy);
  const channel = asText(policy.operations);
  return [
    ...(channel === undefined ? [] : channelProblems(draft, ["policy", "operations"], channel, draft.names("agents"))),
    ...asList(asMap(policy.gates).merge).flatMap((rule, index) =>
      ruleProblems(draft, ["policy", "gates", "merge", index], asMap(rule)),
    ),
  ];
}

function ruleProblems(draft: Draft, path: Path, rule: ReturnType<typeof asMap>): Problem[] {
  const people = draft.section("people");
  const names = people.map(([name]) => name);
  const kinds = [...new Set(["merge", asText(rule.kind) ?? "merge"])];
  const named = asList(rule.approvers).map(asText);
  const unknown = named.flatMap((name, index): Problem[] => {
    if (name === undefined || names.includes(name)) return [];
    const at = [...path, "approvers", index];
    return [{ code: "E-TEAM-REF", path: at, message: `unknown person "${name}"`, fix: knownWords(name, names) }];
  });
  if (unknown.length > 0) return unknown;
  const trusted = people
    .filter(([, person]) => kinds.every((kind) => asList(person.approve).includes(kind)))
    .map(([name]) => name);
  if (trusted.some((name) => named.length === 0 || named.includes(name))) return [];
  const who = named.length === 0 ? "nobody" : `none of ${named.join(", ")}`;
  return [
    {
      code: "E-TEAM-REF",
      path,
      message: `${who} may approve this: it takes ${kinds.join(" and ")}`,
      fix: `Add approve: [${kinds.join(", ")}] to a person${named.length === 0 ? "" : " of the list"}.`,
    },
  ];
}
