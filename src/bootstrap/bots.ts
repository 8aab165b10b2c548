import type { Bot } from "@mattermost/types/bots";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { statusOf } from "./client.ts";
import type { ChatSetup } from "./context.ts";
import { ensureToken } from "./tokens.ts";

/**
 * One bot per agent, enabled, named as in the team file, with a token of its own among the secrets. Gives their user ids by agent.
 * A pinned one that was renamed in the chat gets its name back. Throws E-CHAT-PINNED for a bot that we did not make, unless its name is in
 * `adopt`: then nobody keeps a token of it.
 */
export async function ensureBots(setup: ChatSetup, adopt: readonly string[] = []): Promise<Map<string, string>> {
  const existing = await allBots(setup);
  const ids = new Map<string, string>();
  for (const [agent, { duties }] of Object.entries(setup.team.team.agents)) {
    setup.signal.throwIfAborted();
    const named = existing.find(({ username }) => username === agent);
    const pin = setup.secrets.get(`mattermost.bots.${agent}.id`)?.reveal();
    const pinned = existing.find(({ user_id }) => user_id === pin);
    // Renamed in the chat it is still the agent. One that has the name beside it is somebody's doing.
    const found = named ?? pinned;
    if (found !== undefined) await takeOver(setup, agent, found, adopt.includes(agent), pinned !== undefined);
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
 * (made by a run that was killed before it pinned it) while no `other` is pinned. Whoever holds another's token could go on speaking as the
 * agent.
 */
async function takeOver(
  { admin, secrets, url, changed }: ChatSetup,
  name: string,
  bot: Bot,
  adopt: boolean,
  other: boolean,
): Promise<void> {
  if (secrets.get(`mattermost.bots.${name}.id`)?.reveal() === bot.user_id) return;
  const me = await admin.getMe();
  if (bot.owner_id !== me.id || other) {
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
  const name = wish.username;
  if (found === undefined) {
    const bot = await unlessTaken(url, name, admin.createBot(wish));
    changed(`bot ${name} made`);
    return bot;
  }
  if (found.delete_at !== 0) {
    await admin.enableBot(found.user_id);
    changed(`bot ${name} enabled`);
  }
  if (found.username !== name) {
    await unlessTaken(url, name, admin.patchBot(found.user_id, wish));
    changed(`bot ${found.username} is ${name} again`);
  } else if (found.display_name !== wish.display_name || found.description !== wish.description) {
    await admin.patchBot(found.user_id, wish);
    changed(`bot ${name} renamed`);
  }
  return found;
}

/** Agents share their names with people's accounts: what the server has against one, told for a person. */
async function unlessTaken(url: string, name: string, request: Promise<Bot>): Promise<Bot> {
  try {
    return await request;
  } catch (error) {
    if (statusOf(error) !== 400) throw error;
    throw new OlympusError(`the chat cannot make a bot named ${name}`, {
      code: "E-CHAT-NAME",
      where: url,
      hint: "A person's account may have that name: rename it in the chat, or the agent in the team file.",
      cause: error,
    });
  }
}
