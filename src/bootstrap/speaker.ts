import type { SecretStore } from "../../secrets/store.ts";
import type { LoadedTeam } from "../team/model.ts";
import { loginAsAdmin } from "./admin.ts";
import { uncut } from "./client.ts";
import { ensureToken, tokenFits } from "./tokens.ts";

/** An access token with which a person of the team can post; made and kept among the secrets at the first use. Throws E-SECRET-MISSING, E-CHAT-LOGIN. */
export async function speakerToken(
  url: string,
  team: LoadedTeam,
  secrets: SecretStore,
  person: string,
  signal: AbortSignal,
): Promise<string> {
  const path = `mattermost.people.${person}`;
  const userId = secrets.require(`${path}.id`).reveal();
  const token = secrets.get(`${path}.token`)?.reveal();
  if (token !== undefined && (await tokenFits(url, token, userId, signal))) return token;
  const { admin } = await loginAsAdmin(url, team, secrets, signal);
  try {
    return await ensureToken({ admin, secrets, url, signal, changed: () => undefined }, path, userId);
  } finally {
    await uncut(admin).logout();
  }
}
