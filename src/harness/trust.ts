import type { AgentConfig } from "./config.ts";
import type { ForgeUser } from "./forge-port.ts";

/** Who may start work on the forge, and whose text is more than data: decided by accounts, never by what somebody wrote. */

/** The team's accounts on the forge. */
export type Known = {
  readonly forge?: Pick<NonNullable<AgentConfig["forge"]>, "login" | "people" | "agents"> | undefined;
};

/** A person of the team who may give tasks, or one of its agents. */
export function mayCommand({ forge }: Known, user: ForgeUser): boolean {
  if (forge === undefined) return false;
  const login = user.login.toLowerCase();
  const named = (one: { readonly login: string }) => one.login.toLowerCase() === login;
  if (isAgent({ forge }, user)) return true;
  return !user.bot && forge.people.some((person) => named(person) && person.command);
}

/** One of the team's agents, this one included. */
export function isAgent({ forge }: Known, { login }: Pick<ForgeUser, "login">): boolean {
  const logins = forge === undefined ? [] : [forge.login, ...forge.agents.map((agent) => agent.login)];
  return logins.some((one) => one.toLowerCase() === login.toLowerCase());
}
