import { chatClient, statusOf } from "./client.ts";
import type { ChatSetup } from "./context.ts";

/** How our tokens are told from those that people made themselves. */
const description = "olympus";

/**
 * An access token for an account at `<path>.token` among the secrets. One that is missing, revoked or another account's is replaced; every
 * other token that was made by us is revoked, so that a lost one opens nothing. Gives the token.
 */
export async function ensureToken(
  setup: Pick<ChatSetup, "admin" | "secrets" | "url" | "changed" | "signal">,
  path: string,
  userId: string,
): Promise<string> {
  const { admin, secrets, url, changed, signal } = setup;
  let token = secrets.get(`${path}.token`)?.reveal();
  if (token === undefined || !(await tokenFits(url, token, userId, signal))) {
    const made = await admin.createUserAccessToken(userId, description);
    token = made.token!;
    secrets.set(`${path}.token`, token);
    secrets.set(`${path}.tokenId`, made.id);
    // Saved before anything else happens: a token that only this process knows would be lost with it.
    await secrets.save();
    changed(`token for ${path} made`);
  }
  const current = secrets.get(`${path}.tokenId`)?.reveal();
  for (const other of await admin.getUserAccessTokensForUser(userId, 0, 200)) {
    if (other.description !== description || other.id === current) continue;
    await admin.revokeUserAccessToken(other.id);
    changed(`an old token for ${path} revoked`);
  }
  return token;
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
