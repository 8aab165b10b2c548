import type { UserProfile } from "@mattermost/types/users";
import { generatePassword } from "../../secrets/generate.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Person } from "../team/schema.ts";
import { chatClient, orNothing, statusOf, uncut } from "./client.ts";
import type { ChatSetup } from "./context.ts";
import { ensureToken } from "./tokens.ts";

export interface PeopleResult {
  /** User ids by person. */
  readonly ids: ReadonlyMap<string, string>;
  /** People who still have the one-time password. */
  readonly pending: readonly string[];
}

/** What may be done to accounts only when a person asks for it by name. */
export interface PeopleWishes {
  /** Take the existing account or bot of that name, although bootstrap did not make it. */
  readonly adopt?: readonly string[];
  /** Give a new one-time password. */
  readonly newPassword?: readonly string[];
}

/**
 * An account for every person of the team file, its id pinned among the secrets, so that a re-created account of the same name has no
 * rights, and a person who was renamed in the chat keeps hers. One-time passwords are shown as they are made, and then kept nowhere.
 * Throws E-CHAT-PINNED for an account that is not the pinned one.
 */
export async function ensurePeople(setup: ChatSetup, wishes: PeopleWishes): Promise<PeopleResult> {
  const ids = new Map<string, string>();
  const pending: string[] = [];
  const operator = operatorOf(setup.team.team.people);
  for (const [person, wanted] of Object.entries(setup.team.team.people)) {
    setup.signal.throwIfAborted();
    const { user, shown } = await ensureAccount(setup, person, wanted, wishes.adopt?.includes(person) ?? false);
    if (!shown && wishes.newPassword?.includes(person)) await resetPassword(setup, person, user);
    await alignAccount(setup, person, wanted, user);
    if (await hasOneTimePassword(setup, person, user.id)) pending.push(person);
    if (person === operator) await ensureToken(setup, `mattermost.people.${person}`, user.id);
    ids.set(person, user.id);
  }
  return { ids, pending };
}

/** Whom `olympus chat` speaks for unless told: the first who administers and may command, else the first who may command, else the first. */
export function operatorOf(people: Readonly<Record<string, Person>>): string | undefined {
  const all = Object.entries(people);
  const found = all.find(([, one]) => one.admin && one.command) ?? all.find(([, one]) => one.command) ?? all[0];
  return found?.[0];
}

/** `shown`: its one-time password was shown just now. */
async function ensureAccount(
  setup: ChatSetup,
  person: string,
  wanted: Person,
  adopt: boolean,
): Promise<{ user: UserProfile; shown: boolean }> {
  const { admin, secrets, url, changed } = setup;
  const path = `mattermost.people.${person}`;
  const found = await orNothing(admin.getUserByUsername(person));
  const pinned = secrets.get(`${path}.id`)?.reveal();
  if (found !== undefined && found.id === pinned) return { user: found, shown: false };
  const known = pinned === undefined ? undefined : await orNothing(admin.getUser(pinned));
  // A name is its holder's to change in the chat. Deactivated and with another in its place, that has to be said.
  if (known !== undefined && (found === undefined || (known.delete_at === 0 && !adopt))) {
    setup.told(`${person} is named ${known.username} in the chat: the account and its rights stay as they are`);
    return { user: known, shown: false };
  }
  if (found !== undefined && adopt) {
    secrets.set(`${path}.id`, found.id);
    changed(`account of ${person} adopted`);
    return { user: found, shown: false };
  }
  // The password is kept until it was shown and the account is pinned: an interrupted run knows its own accounts by it.
  const password = secrets.get(`${path}.oneTime`)?.reveal() ?? generatePassword();
  if (found !== undefined && !(await passwordFits(setup, person, password))) throw notPinned(url, person, pinned);
  let user = found;
  if (user === undefined) {
    secrets.set(`${path}.oneTime`, password);
    await secrets.save();
    const account = { username: person, email: wanted.email, password, ...namesOf(wanted) };
    user = await admin.createUser(account as unknown as UserProfile, "", "");
    changed(`account of ${person} made`);
  }
  const setAt = await passwordSetAt(setup, user.id);
  // From here to the saving nothing can come between: either all of it is known to the next run, or nothing.
  setup.showPassword(person, password);
  secrets.set(`${path}.id`, user.id);
  secrets.set(`${path}.passwordSet`, String(setAt));
  secrets.delete(`${path}.oneTime`);
  await secrets.save();
  return { user, shown: true };
}

async function passwordFits({ url, signal }: ChatSetup, person: string, password: string): Promise<boolean> {
  const client = chatClient(url, undefined, signal);
  try {
    await client.login(person, password);
  } catch (error) {
    if (statusOf(error) === 401) return false;
    throw error;
  }
  await uncut(client).logout();
  return true;
}

/** Brings names, address, rights and activity of an account to what the team file says. */
async function alignAccount(
  { admin, changed }: ChatSetup,
  person: string,
  wanted: Person,
  user: UserProfile,
): Promise<void> {
  if (user.delete_at !== 0) {
    await admin.updateUserActive(user.id, true);
    changed(`account of ${person} activated`);
  }
  const names = namesOf(wanted);
  if (user.email !== wanted.email || user.first_name !== names.first_name || user.last_name !== names.last_name) {
    await admin.patchUser({ id: user.id, email: wanted.email, ...names });
    changed(`account of ${person} renamed`);
  }
  const roles = wanted.admin ? "system_user system_admin" : "system_user";
  if (user.roles.split(" ").includes("system_admin") !== wanted.admin) {
    await admin.updateUserRoles(user.id, roles);
    changed(`${person} ${wanted.admin ? "administers the chat now" : "no longer administers the chat"}`);
  }
}

async function resetPassword(setup: ChatSetup, person: string, user: UserProfile): Promise<void> {
  const password = generatePassword();
  await uncut(setup.admin).updateUserPassword(user.id, "", password);
  setup.showPassword(person, password);
  setup.changed(`new one-time password for ${person}`);
  await setup.admin.revokeAllSessionsForUser(user.id);
  setup.secrets.set(`mattermost.people.${person}.passwordSet`, String(await passwordSetAt(setup, user.id)));
  await setup.secrets.save();
}

/**
 * Team Edition cannot force a change at the first login. The server knows when a password was set last; as long as that is the moment we
 * set it, the one-time password is still in use, and every run says so.
 */
async function hasOneTimePassword(setup: ChatSetup, person: string, id: string): Promise<boolean> {
  const path = `mattermost.people.${person}.passwordSet`;
  const ours = setup.secrets.get(path)?.reveal();
  if (ours === undefined) return false;
  if (String(await passwordSetAt(setup, id)) === ours) return true;
  setup.secrets.delete(path);
  return false;
}

/** When an account's password was set, ms since 1970. The server tells it only to the account itself, so a token is made for the question. */
async function passwordSetAt({ admin: interruptible, url, signal }: ChatSetup, id: string): Promise<number> {
  signal.throwIfAborted();
  // No token may stay behind that nobody knows of.
  const admin = uncut(interruptible);
  const { token, id: tokenId } = await admin.createUserAccessToken(id, "olympus");
  try {
    return (await chatClient(url, token, signal).getMe()).last_password_update;
  } finally {
    await admin.revokeUserAccessToken(tokenId);
  }
}

function namesOf(person: Person): { first_name: string; last_name: string } {
  const [first = "", ...rest] = (person.name ?? "").split(" ");
  return { first_name: first, last_name: rest.join(" ") };
}

function notPinned(url: string, person: string, pinned: string | undefined): OlympusError {
  const problem = pinned === undefined ? "was not made by bootstrap" : "is not the one that is pinned";
  return new OlympusError(`the account ${person} in the chat ${problem}`, {
    code: "E-CHAT-PINNED",
    exit: exitCodes.confirmation,
    where: url,
    hint: `Whoever holds it would get the rights of ${person}. If it is theirs:  npx olympus bootstrap --adopt ${person}`,
  });
}
