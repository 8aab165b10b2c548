import { pagesOf } from "../base/forge-pages.ts";
import type { LoadedTeam, Machine } from "./model.ts";

/** The port of the service `forge`. */
export const forgePort = 18781;
/** Where agents listen for the forge's webhooks, and the secret that signs those, where the team wants them. */
export const webhookPort = 18782;
export const webhookSecret = "forge.webhook";

type Known = Pick<LoadedTeam, "machines" | "team">;

/** Where the team's own forge answers, pages and git, without a trailing slash; undefined for a team that works on another one. */
export function playedForge({ machines }: Pick<LoadedTeam, "machines">): string | undefined {
  const machine = machines.find(({ service }) => service?.services.includes("forge"));
  return machine && `http://${machine.address}:${forgePort}`;
}

/** Root of the API that the team's agents use. */
export function forgeApi(team: Known): string {
  const own = playedForge(team);
  return own === undefined ? team.team.forge.api : `${own}/api/v3`;
}

/** Where the forge sends what happened in a repository: an agent with an account each; nowhere for a team that only looks. */
export function webhookUrls(team: Known): string[] {
  if (!team.team.forge.webhooks) return [];
  return team.machines
    .filter((machine) => machine.agent !== undefined && forgeLogin(team, machine) !== undefined)
    .map(({ address }) => `http://${address}:${webhookPort}/`);
}

/** Where people see the repositories, without a trailing slash. */
export function forgePages(team: Known): string {
  return pagesOf(forgeApi(team));
}

/** An agent's account on the forge: the role github names it; on the team's own forge it is the agent's name otherwise. */
export function forgeLogin(team: Pick<LoadedTeam, "machines">, { name, agent, roles }: Machine): string | undefined {
  const named = roles.github?.login;
  if (typeof named === "string") return named;
  return agent === undefined || playedForge(team) === undefined ? undefined : name;
}

/** People's accounts on the team's own forge, by their names in the team file. */
export function peopleOnForge(team: Known): { person: string; login: string }[] {
  if (playedForge(team) === undefined) return [];
  return Object.entries(team.team.people).flatMap(([person, { github }]) =>
    github === undefined ? [] : [{ person, login: github }],
  );
}
