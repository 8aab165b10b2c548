import type { Bot } from "@mattermost/types/bots";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { statusOf } from "./client.ts";
import type { ChatSetup } from "./context.ts";
import { ensureToken } from "./tokens.ts";

/**
 * One bot per agent, enabled, named as in the team file, with a token of its own among the secrets. Gives their user ids by agent.
 * Throws E-CHAT-PINNED for a bot that we did not make, unless its name is in `adopt`: then nobody keeps a token of it.
 */
export async function ensureBots(setup: ChatSetup, adopt: readonly string[] = []): Promise<Map<string, string>> {
  const existing = new Map((await allBots(setup)).map((bot) => [bot.username, bot]));
  const ids = new Map<string, string>();
  for (const [agent, { duties }] of Object.entries(setup.team.team.agents)) {
    setup.signal.throwIfAborted();
    const found = existing.get(agent);
    if (found !== undefined) await takeOver(setup, found, adopt.includes(agent));
    const bot = await ensureBot(setup, found, {
      username: agent,
      display_name: agent.charAt(0).toUpperCase() + agent.slice(1),
      description: `AI employee: ${duties.join(", ")}`,
    });
    if (setup.secrets.get(`mattermost.bots.${agent}.id`)?.reveal() !== bot.user_id) {
      setup.secrets.set(`mattermost.bots.${agent}.id`, bot.user_id);
    }
    await ensureToken(setup, `mattermost.bots.${agent}`, bot.user_id);
    ids.set(agent, bot.user_id);
  }
  return ids;
}

/**
 * Makes sure that a bot is ours alone before it speaks for an agent. Ours is the pinned one, or one whose owner is our administrator
 * (made by a run that was killed before it pinned it). Whoever holds another's token could go on speaking as the agent.
 */
async function takeOver({ admin, secrets, url, changed }: ChatSetup, bot: Bot, adopt: boolean): Promise<void> {
  const name = bot.username;
  if (secrets.get(`mattermost.bots.${name}.id`)?.reveal() === bot.user_id) return;
  const me = await admin.getMe();
  if (bot.owner_id !== me.id) {
    if (!adopt) throw foreignBot(url, name);
    await admin.assignBot(bot.user_id, me.id);
    changed(`bot ${name} adopted`);
  }
  for (;;) {
    const tokens = await admin.getUserAccessTokensForUser(bot.user_id, 0, 200);
    if (tokens.length === 0) return;
    for (const { id, description } of tokens) {
      await admin.revokeUserAccessToken(id);
      changed(`token "${description}" of bot ${name} revoked`);
    }
  }
}

function foreignBot(url: string, name: string): OlympusError {
  return new OlympusError(`the bot ${name} in the chat was not made by bootstrap`, {
    code: "E-CHAT-PINNED",
    exit: exitCodes.confirmation,
    where: url,
    hint: `Whoever made it could speak as the agent. If it is meant for it:  npx olympus bootstrap --adopt ${name}   (revokes all its tokens)`,
  });
}

async function allBots({ admin }: ChatSetup): Promise<Bot[]> {
  const bots: Bot[] = [];
  for (let page = 0; ; page += 1) {
    const some = await admin.getBotsIncludeDeleted(page, 200);
    bots.push(...some);
    if (some.length < 200) return bots;
  }
}

type BotWish = Pick<Bot, "username" | "display_name" | "description">;

async function ensureBot({ admin, changed, url }: ChatSetup, found: Bot | undefined, wish: BotWish): Promise<Bot> {
  if (found === undefined) {
    try {
      const bot = await admin.createBot(wish);
      changed(`bot ${wish.username} made`);
      return bot;
    } catch (error) {
      if (statusOf(error) !== 400) throw error;
      throw new OlympusError(`the chat cannot make a bot named ${wish.username}`, {
        code: "E-CHAT-NAME",
        where: url,
        hint: "A person's account may have that name: rename it in the chat, or the agent in the team file.",
        cause: error,
      });
    }
  }
  if (found.delete_at !== 0) {
    await admin.enableBot(found.user_id);
    changed(`bot ${wish.username} enabled`);
  }
  if (found.display_name !== wish.display_name || found.description !== wish.description) {
    await admin.patchBot(found.user_id, wish);
    changed(`bot ${wish.username} renamed`);
  }
  return found;
}
