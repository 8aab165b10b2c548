import { firstAccount } from "./accounts.ts";
import type { AgentConfig } from "./config.ts";
import type { ForgeUser } from "./forge-port.ts";
import type { Store } from "./store/open.ts";

/** Who may start work on the forge, and whose text is more than data: decided by accounts, never by what somebody wrote. */

/** The team's accounts on the forge. */
export type Known = {
  readonly forge?: Pick<NonNullable<AgentConfig["forge"]>, "login" | "people" | "agents"> | undefined;
};

/** What is remembered of accounts from one time to the next, too. */
type Remembered = {
  readonly forge?: (NonNullable<Known["forge"]> & { readonly api: string }) | undefined;
  readonly store: Store;
};

/** A person of the team who may give tasks, or one of its agents: by the account that their login stands for. */
export function mayCommand({ forge, store }: Remembered, user: ForgeUser): boolean {
  return forge !== undefined && isNamed({ forge }, user) && firstAccount(store, forge, user) === user.id;
}

/** The same by the login alone, which may be another account's by now: for what starts nothing. */
export function isNamed({ forge }: Known, user: ForgeUser): boolean {
  const login = user.login.toLowerCase();
  const command = forge?.people.some((person) => person.login.toLowerCase() === login && person.command) ?? false;
  return isAgent({ forge }, user) || (!user.bot && command);
}

/** One of the team's agents, this one included. */
export function isAgent({ forge }: Known, { login }: Pick<ForgeUser, "login">): boolean {
  const logins = forge === undefined ? [] : [forge.login, ...forge.agents.map((agent) => agent.login)];
  return logins.some((one) => one.toLowerCase() === login.toLowerCase());
}
