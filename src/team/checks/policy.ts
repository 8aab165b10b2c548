import { asList, asMap, asText, type Draft, type Raw } from "../draft.ts";
import { knownWords } from "../nearest.ts";
import type { Problem } from "../problems.ts";
import type { Path } from "../source.ts";
import { channelProblems } from "./schedules.ts";

/** What the policy names and the file does not have, and rules that nobody could ever approve. */
export function checkPolicy(draft: Draft): Problem[] {
  const policy = asMap(draft.raw.policy);
  const channel = asText(policy.operations);
  const destructive = asMap(asMap(policy.gates).destructive);
  const summaries = asText(asMap(draft.raw.orchestration).channel);
  const planners = draft.section("agents").filter(([, { duties }]) => asList(duties).includes("orchestration"));
  return [
    ...(channel === undefined ? [] : channelProblems(draft, ["policy", "operations"], channel, draft.names("agents"))),
    ...(summaries === undefined
      ? []
      : channelProblems(
          draft,
          ["orchestration", "channel"],
          summaries,
          planners.slice(0, 1).map(([name]) => name),
        )),
    ...asList(asMap(policy.gates).merge)
      .map(asMap)
      .flatMap((rule, index) =>
        approverProblems(draft, ["policy", "gates", "merge", index], rule, ["merge", asText(rule.kind) ?? "merge"]),
      ),
    ...(asList(destructive.commands).length === 0
      ? []
      : approverProblems(draft, ["policy", "gates", "destructive"], destructive, ["destructive"])),
    ...Object.entries(asMap(asMap(policy.gates).sensitive)).flatMap(([name, value]) => {
      const [path, read, agents] = [["policy", "gates", "sensitive", name], asMap(value), draft.names("agents")];
      const unknown = asList(read.agents).flatMap((agent, at): Problem[] => {
        if (typeof agent !== "string" || agents.includes(agent)) return [];
        const message = `unknown agent "${agent}"`;
        return [{ code: "E-TEAM-REF", path: [...path, "agents", at], message, fix: knownWords(agent, agents) }];
      });
      return [...unknown, ...approverProblems(draft, path, read, ["sensitive"])];
    }),
    ...Object.entries(asMap(asMap(policy.gates).deploy)).flatMap(([name, deploy]) =>
      deployProblems(draft, ["policy", "gates", "deploy", name], asMap(deploy)),
    ),
  ];
}

/** A host or repository that is not there, or a host without the role that lets itself be called. */
function deployProblems(draft: Draft, path: Path, deploy: Raw): Problem[] {
  const [host, repository] = [asText(deploy.host) ?? "", asText(deploy.repository) ?? ""];
  const repositories = Object.keys(asMap(draft.raw.repositories));
  const section = (["agents", "services", "hypervisors"] as const).find((one) => draft.names(one).includes(host));
  const roles = draft.section(section ?? "agents").find(([name]) => name === host)?.[1].roles;
  const problem = (key: string, message: string, fix: string): Problem => ({
    code: "E-TEAM-REF",
    path: [...path, key],
    message,
    fix,
  });
  const hosts = (["agents", "services", "hypervisors"] as const).flatMap((one) => draft.names(one));
  return [
    ...(host === "" || section !== undefined
      ? []
      : [problem("host", `unknown host "${host}"`, knownWords(host, hosts))]),
    ...(section === undefined || asMap(roles).deploy !== undefined
      ? []
      : [problem("host", `${host} does not have the role deploy`, `Add to ${host}:  roles: { deploy: {} }`)]),
    ...(repository === "" || repositories.includes(repository)
      ? []
      : [problem("repository", `unknown repository "${repository}"`, knownWords(repository, repositories))]),
    ...approverProblems(draft, path, deploy, [asText(deploy.kind) ?? "deploy"]),
  ];
}

/** People that are not there, or rules that nobody who is trusted with all kinds could approve. */
function approverProblems(draft: Draft, path: Path, rule: Raw, wanted: readonly string[]): Problem[] {
  const people = draft.section("people");
  const names = people.map(([name]) => name);
  const kinds = [...new Set(wanted)];
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
