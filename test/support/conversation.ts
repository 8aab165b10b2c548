import { Client4 } from "@mattermost/client";
import { openSecrets, type SecretStore } from "../../secrets/store.ts";
import { speakerToken } from "../../src/bootstrap/speaker.ts";
import { chatUrl } from "../../src/bootstrap/url.ts";
import { isProgress } from "../../src/harness/chat/marker.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { eventually } from "./olympus.ts";

/** A person of the team in its real chat, for tests that need more than one question and its answer. */
export interface Conversation {
  /** Posts in the team's first channel; gives the post's id. */
  post(message: string): Promise<string>;
  /** What the agent's bot wrote in the thread of a post, oldest first. */
  answers(postId: string): Promise<string[]>;
  /** Everything that was written in the thread of a post by whomever, oldest first. */
  thread(postId: string): Promise<string[]>;
  /** Waits for the bot's reaction to a post. */
  acknowledged(postId: string, deadlineMs?: number): Promise<void>;
  /** Waits for the first answer in a post's thread. */
  answered(postId: string, deadlineMs?: number): Promise<string>;
}

/** Opens a conversation with `agent` as `person`, over the chat that the team file names. */
export async function converse(teamFile: string, agent: string, person: string): Promise<Conversation> {
  const team: LoadedTeam = await loadTeam(teamFile);
  const secrets: SecretStore = await openSecrets(team);
  const url = chatUrl(team);
  const client = new Client4();
  client.setUrl(url);
  client.setToken(await speakerToken(url, team, secrets, person, new AbortController().signal));
  const botId = secrets.require(`mattermost.bots.${agent}.id`).reveal();
  const [chatTeam, place] = Object.entries(team.team.teams)[0]!;
  const channel = await client.getChannelByNameAndTeamName(chatTeam, place.channels[0]!);

  const written = async (postId: string, by: (userId: string) => boolean): Promise<string[]> => {
    const { posts } = await client.getPostThread(postId);
    return Object.values(posts)
      .filter((post) => by(post.user_id) && post.delete_at === 0 && !isProgress(post.props))
      .sort((a, b) => a.create_at - b.create_at)
      .map(({ message }) => message);
  };
  const answers = (postId: string): Promise<string[]> => written(postId, (userId) => userId === botId);
  return {
    answers,
    thread: (postId) => written(postId, () => true),
    post: async (message) => (await client.createPost({ channel_id: channel.id, message })).id,
    acknowledged: async (postId, deadlineMs = 600_000) => {
      await eventually(
        `an acknowledgement of ${postId}`,
        async () => (await client.getReactionsForPost(postId))?.some(({ user_id }) => user_id === botId),
        deadlineMs,
        50,
      );
    },
    answered: (postId, deadlineMs = 600_000) =>
      eventually(`an answer to ${postId}`, async () => (await answers(postId))[0], deadlineMs),
  };
}
