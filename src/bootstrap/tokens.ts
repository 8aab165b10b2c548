import { chatClient, statusOf } from "./client.ts";
import type { ChatSetup } from "./context.ts";

/** How our tokens are told from those that people made themselves. */
const description = "olympus";

type TokenSetup = Pick<ChatSetup, "admin" | "secrets" | "url" | "changed" | "signal">;

/**
 * An access token for an account at `<path>.token` among the secrets. One that is missing, revoked or another account's is replaced; every
 * other token that was made by us is revoked, so that a lost one opens nothing. Gives the token.
 */
export async function ensureToken(setup: TokenSetup, path: string, userId: string): Promise<string> {
  let token = setup.secrets.get(`${path}.token`)?.reveal();
  if (token === undefined || !(await tokenFits(setup.url, token, userId, setup.signal))) {
    token = await makeToken(setup, path, userId);
  }
  await revokeOthers(setup, path, userId);
  return token;
}

/** Makes another token for the account and puts it at `<path>.token`. Those that it has go on working. */
export async function makeToken(
  { admin, secrets, changed }: TokenSetup,
  path: string,
  userId: string,
): Promise<string> {
  const made = await admin.createUserAccessToken(userId, description);
  secrets.set(`${path}.token`, made.token!);
  secrets.set(`${path}.tokenId`, made.id);
  // Saved before anything else happens: a token that only this process knows would be lost with it.
  await secrets.save();
  changed(`token for ${path} made`);
  return made.token!;
}

/** Revokes every token of the account that was made by us, but the one at `<path>.token`. */
export async function revokeOthers(
  { admin, secrets, changed }: TokenSetup,
  path: string,
  userId: string,
): Promise<void> {
  const current = secrets.get(`${path}.tokenId`)?.reveal();
  for (const other of await admin.getUserAccessTokensForUser(userId, 0, 200)) {
    if (other.description !== description || other.id === current) continue;
    await admin.revokeUserAccessToken(other.id);
    changed(`an old token for ${path} revoked`);
  }
}

/** Whether a token works, and for that very account. */
export async function tokenFits(url: string, token: string, userId: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await chatClient(url, token, signal).getMe()).id === userId;
  } catch (error) {
    if (statusOf(error) === 401) return false;
    throw error;
  }
}
