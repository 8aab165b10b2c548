import type { AgentConfig } from "./config.ts";
import type { ForgeUser } from "./forge-port.ts";
import type { Store } from "./store/open.ts";

/**
 * Accounts of the forge behind logins of the team file. A login that its owner gave up anybody may register: it stands for the account
 * that had it when this agent first saw it.
 */

type Forge = Pick<NonNullable<AgentConfig["forge"]>, "api" | "login" | "people" | "agents">;

const keyOf = ({ api }: Pick<Forge, "api">, login: string): string => `forge-account:${api}:${login.toLowerCase()}`;

/** The id of the account that a login of the team stands for: this one's, where none was seen before. */
export function firstAccount(store: Store, forge: Pick<Forge, "api">, user: ForgeUser): number {
  const key = keyOf(forge, user.login);
  const known = store.meta(key);
  if (known !== undefined) return Number(known);
  store.setMeta(key, String(user.id));
  return user.id;
}

/** That a login is another account's now, and what to do where that is right. */
export function anotherAccount(store: Store, forge: Pick<Forge, "api">, user: ForgeUser, name: string): string {
  const known = firstAccount(store, forge, user);
  return `\`${user.login}\` is another account of the forge (${user.id}) than the one I know as ${name} (${known}), and counts for nobody. If it is ${name}'s: take \`github\` out of people.${name} in the team file, \`npx olympus role setup agent --host agents\`, put it in, and once more`;
}

/** Forgets the accounts of logins that are nobody's by the team file any more: with this a login may be given to another account. */
export function forgetAccounts(forge: Forge, store: Store): void {
  const kept = [forge, ...forge.people, ...forge.agents].map(({ login }) => keyOf(forge, login));
  const all = store.all<{ key: string }>("SELECT key FROM meta WHERE key GLOB 'forge-account:*'");
  for (const { key } of all) if (!kept.includes(key)) store.run("DELETE FROM meta WHERE key = ?", key);
}
