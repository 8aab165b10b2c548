import type { AgentConfig } from "../config.ts";
import type { ForgeUser } from "../forge-port.ts";
import type { Store } from "../store/open.ts";
import type { Person } from "./gate.ts";
import { forgePerson } from "./people.ts";

type Forge = NonNullable<AgentConfig["forge"]>;

const keyOf = ({ api }: Pick<Forge, "api">, login: string): string => `forge-account:${api}:${login.toLowerCase()}`;

/**
 * The person with this account of the forge. The team file names logins, and a login that its owner gave up anybody may register: it stands
 * for the account that had it when this agent first saw it. A string: the login is another account's now, and what to do where that is right.
 */
export function knownPerson(
  { config, store }: { readonly config: AgentConfig; readonly store: Store },
  user: ForgeUser,
): Person | string | undefined {
  const { forge } = config;
  const person = forgePerson(config, user);
  if (person === undefined || forge === undefined) return undefined;
  const key = keyOf(forge, user.login);
  const known = store.meta(key);
  if (known === undefined) store.setMeta(key, String(user.id));
  if (known === undefined || known === String(user.id)) return person;
  return `\`${user.login}\` is another account of the forge (${user.id}) than the one I know as ${person.name} (${known}), and counts for nobody. If it is ${person.name}'s: take \`github\` out of people.${person.name} in the team file, \`npx olympus role setup agent --host agents\`, put it in, and once more`;
}

/** Forgets the accounts of logins that are no person's by the team file any more: with this a login may be given to another account. */
export function forgetAccounts({ forge }: Pick<AgentConfig, "forge">, store: Store): void {
  const kept = (forge?.people ?? []).map(({ login }) => keyOf(forge!, login));
  const all = store.all<{ key: string }>("SELECT key FROM meta WHERE key GLOB 'forge-account:*'");
  for (const { key } of all) if (!kept.includes(key)) store.run("DELETE FROM meta WHERE key = ?", key);
}
