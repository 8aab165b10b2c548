import { loginAsAdmin } from "./admin.ts";
import { chatError, statusOf, uncut } from "./client.ts";
import type { ChatSetup } from "./context.ts";
import { chatUrl } from "./url.ts";

/**
 * Takes an agent's voice: its bot is disabled, every token of it revoked, whoever made it, and ours forgotten. The bot's id stays pinned:
 * an agent of that name that comes back is the same one to the chat. Gives how much there was to do. Throws where the chat is down.
 */
export async function retireBot({
  team,
  secrets,
  signal,
  agent,
  url = chatUrl(team),
}: Pick<ChatSetup, "team" | "secrets" | "signal"> & {
  readonly agent: string;
  readonly url?: string;
}): Promise<number> {
  const path = `mattermost.bots.${agent}`;
  const id = secrets.get(`${path}.id`)?.reveal();
  if (id === undefined) return 0;
  let changed = 0;
  try {
    const { admin } = await loginAsAdmin(url, team, secrets, signal);
    try {
      const bot = await admin.getBot(id).catch((error: unknown) => {
        // Disabled bots are not shown to who does not ask for them.
        if (statusOf(error) === 404) return undefined;
        throw error;
      });
      if (bot !== undefined && bot.delete_at === 0) {
        await admin.disableBot(id);
        changed++;
      }
      for (;;) {
        const tokens = await admin.getUserAccessTokensForUser(id, 0, 200);
        if (tokens.length === 0) break;
        for (const token of tokens) await admin.revokeUserAccessToken(token.id);
        changed += tokens.length;
      }
    } finally {
      await uncut(admin).logout();
    }
  } catch (error) {
    throw chatError(error, url, `disable the bot of ${agent}`);
  }
  for (const name of ["token", "tokenId"]) secrets.delete(`${path}.${name}`);
  await secrets.save();
  return changed;
}
