import type { Bot } from "@mattermost/types/bots";
import { OlympusError } from "../base/errors.ts";
import { statusOf } from "./client.ts";
import type { ChatSetup } from "./context.ts";
import { ensureToken } from "./tokens.ts";

/** One bot per agent, enabled, named as in the team file, with a token of its own among the secrets. Gives their user ids by agent. */
export async function ensureBots(setup: ChatSetup): Promise<Map<string, string>> {
  const existing = new Map((await allBots(setup)).map((bot) => [bot.username, bot]));
  const ids = new Map<string, string>();
  for (const [agent, { duties }] of Object.entries(setup.team.team.agents)) {
    setup.signal.throwIfAborted();
    const bot = await ensureBot(setup, existing.get(agent), {
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
