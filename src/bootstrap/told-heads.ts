import type { SecretStore } from "../../secrets/store.ts";
import type { LoadedTeam } from "../team/model.ts";
import { operationsChannel } from "../team/operations.ts";
import { loginAsAdmin } from "./admin.ts";
import { chatError, uncut, waitForChat } from "./client.ts";
import { trustTeamAuthority } from "./trust.ts";
import { chatUrl } from "./url.ts";

/** A post of an agent in the operations channel. */
export interface AgentPost {
  readonly agent: string;
  readonly text: string;
  /** Its author changed it afterwards: it proves nothing any more. */
  readonly changed: boolean;
}

const perPage = 200;
/** Pages that are read at most: a hundred thousand posts. */
const mostPages = 500;

/**
 * Every post that agents of the team wrote into its operations channel, changed ones too.
 * Empty for a team without such a channel. Throws E-CHAT-DOWN (exit 4), E-CHAT-LOGIN, E-CHAT-REFUSED.
 */
export async function operationsPosts(
  team: LoadedTeam,
  secrets: SecretStore,
  signal: AbortSignal,
  url: string = chatUrl(team),
): Promise<AgentPost[]> {
  const place = operationsChannel(team.team);
  if (place === undefined) return [];
  trustTeamAuthority(secrets);
  await waitForChat(url, 10_000, signal);
  const agents = new Map(
    Object.keys(team.team.agents).map((agent) => [secrets.get(`mattermost.bots.${agent}.id`)?.reveal(), agent]),
  );
  try {
    const { admin } = await loginAsAdmin(url, team, secrets, signal);
    try {
      const [inTeam, name] = place.split("/") as [string, string];
      const channel = await admin.getChannelByNameAndTeamName(inTeam, name);
      const found: AgentPost[] = [];
      for (let page = 0; page < mostPages; page++) {
        const { order, posts } = await admin.getPosts(channel.id, page, perPage, false);
        for (const id of order) {
          const post = posts[id]!;
          const agent = agents.get(post.user_id);
          if (agent !== undefined) found.push({ agent, text: post.message, changed: post.edit_at > 0 });
        }
        if (order.length < perPage) break;
      }
      return found;
    } finally {
      await uncut(admin).logout();
    }
  } catch (error) {
    throw chatError(error, url, "read the operations channel");
  }
}
