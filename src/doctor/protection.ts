import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { forgeApi, forgeLogin, peopleOnForge } from "../team/forge.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { Check } from "./check.ts";

const patienceMs = 10_000;

/** Whether the default branch of each of the team's repositories demands a person's review: the second lock, beside the agents' own gates. */
export async function checkProtection(team: LoadedTeam, secrets: SecretStore, signal: AbortSignal): Promise<Check[]> {
  const names = Object.keys(team.team.repositories);
  // What protects a branch is shown to administrators alone, which no agent is; on the team's own forge people are.
  const people = peopleOnForge(team).filter(({ person }) => team.team.people[person]!.admin);
  const token = [
    ...people.map(({ person }) => `people.${person}.github`),
    ...team.machines.map(({ name }) => `agents.${name}.github`),
  ].flatMap((path) => secrets.get(path) ?? [])[0];
  if (names.length === 0 || token === undefined) return [];
  return Promise.all(names.map((repository) => protectionOf(forgeApi(team), token, repository, signal)));
}

/** Agents whose reviews are written with a token that may write contents as well: theirs for work, where there is none for reviews alone. */
export function checkReviewTokens(team: LoadedTeam, secrets: Pick<SecretStore, "get">): Check[] {
  if (Object.keys(team.team.repositories).length === 0) return [];
  return team.machines.flatMap((machine): Check[] => {
    const { name } = machine;
    if (machine.agent === undefined || forgeLogin(team, machine) === undefined) return [];
    const path = `agents.${name}.github-review`;
    if (secrets.get(`agents.${name}.github`) === undefined || secrets.get(path) !== undefined) return [];
    const fact = "reviews with its token for work, which may write contents";
    return [{ host: name, name: "protection", state: "warn", fact, fix: `npx olympus secrets set ${path}` }];
  });
}

/** One repository, seen with one token. Throws only the signal's reason. */
export async function protectionOf(
  api: string,
  token: Secret,
  repository: string,
  signal: AbortSignal,
): Promise<Check> {
  const check = { host: repository, name: "protection" as const };
  const ask = async (path: string): Promise<Record<string, unknown> | number> => {
    const response = await fetch(`${api}/repos/${repository}${path}`, {
      headers: { authorization: `Bearer ${token.reveal()}`, accept: "application/vnd.github+json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    });
    if (response.ok) return (await response.json()) as Record<string, unknown>;
    await response.body?.cancel();
    return response.status;
  };
  const fix = "on the forge, protect the branch: require a pull request with one approval, also of administrators";
  try {
    const repo = await ask("");
    if (typeof repo === "number")
      return {
        ...check,
        state: "fail",
        fact: `HTTP ${repo} with the agents' token`,
        fix: "give the token access to it",
      };
    const branch = String(repo.default_branch);
    const state = await ask(`/branches/${encodeURIComponent(branch)}`);
    if (typeof state === "number" || state.protected !== true)
      return { ...check, state: "fail", fact: `${branch} is not protected: whoever may push may merge`, fix };
    const rules = await ask(`/branches/${encodeURIComponent(branch)}/protection`);
    // Rules are shown to administrators only, whom agents should not be.
    if (typeof rules === "number")
      return {
        ...check,
        state: "warn",
        fact: `${branch} is protected; by what, the agents' token cannot see`,
        fix: "",
      };
    const reviews = rules.required_pull_request_reviews as { required_approving_review_count?: number } | undefined;
    const count = reviews?.required_approving_review_count ?? 0;
    if (count < 1) return { ...check, state: "fail", fact: `${branch} takes merges without anybody's approval`, fix };
    return {
      ...check,
      state: "ok",
      fact: `${branch} wants ${count === 1 ? "one approval" : `${count} approvals`}`,
      fix: "",
    };
  } catch (error) {
    signal.throwIfAborted();
    return { ...check, state: "fail", fact: `the forge does not answer: ${messageOf(error)}`, fix: `look at ${api}` };
  }
}
