import { anotherAccount, firstAccount } from "../accounts.ts";
import type { AgentConfig } from "../config.ts";
import type { ForgeUser } from "../forge-port.ts";
import type { Store } from "../store/open.ts";
import { type Gate, mayOpen, type Person } from "./gate.ts";

type Known = Pick<AgentConfig, "chat" | "forge">;

/** The person with this account of the chat, by its id, which a re-created name does not have. */
export function chatPerson({ chat, forge }: Known, userId: string): Person | undefined {
  const person = chat.people.find(({ id }) => id === userId);
  return person && { ...pick(person), login: loginOf({ forge }, person.name) };
}

/** The person with this account of the forge; never an app, a bot, or one of the team's agents. */
export function forgePerson({ forge }: Pick<Known, "forge">, user: ForgeUser): Person | undefined {
  const login = user.login.toLowerCase();
  if (user.bot || forge === undefined) return undefined;
  if ([forge.login, ...forge.agents.map((agent) => agent.login)].some((one) => one.toLowerCase() === login))
    return undefined;
  const person = forge.people.find((one) => one.login.toLowerCase() === login);
  return person && { ...pick(person), login };
}

/** The person with this account of the forge, as this agent knows it. A string: the login is another account's now, in words. */
export function knownPerson(
  { config, store }: { readonly config: Pick<Known, "forge">; readonly store: Store },
  user: ForgeUser,
): Person | string | undefined {
  const { forge } = config;
  const person = forgePerson(config, user);
  if (person === undefined || forge === undefined) return undefined;
  return firstAccount(store, forge, user) === user.id ? person : anotherAccount(store, forge, user, person.name);
}

/** Names of the people who may open a gate. */
export function waitsFor({ chat }: Pick<Known, "chat">, gate: Pick<Gate, "kinds" | "approvers">): string[] {
  return chat.people.filter((person) => mayOpen(person, gate)).map(({ name }) => name);
}

/** Those who could open a gate, as a question begins: `@mara or @kim`. */
export function whoMay(known: Pick<Known, "chat">, gate: Pick<Gate, "kinds" | "approvers">): string {
  const names = waitsFor(known, gate);
  return names.length === 0 ? "Nobody of the team file may approve this" : names.map((name) => `@${name}`).join(" or ");
}

const pick = ({ name, approve }: { name: string; approve: readonly string[] }) => ({ name, approve });

function loginOf({ forge }: Pick<Known, "forge">, name: string): string | undefined {
  return forge?.people.find((one) => one.name === name)?.login.toLowerCase();
}
