import type { SecretStore } from "../../secrets/store.ts";
import type { LoadedTeam } from "../team/model.ts";
import { chatClient, chatError, waitForChat } from "./client.ts";
import { whyNoAnswer } from "./diagnosis.ts";
import { findPlace } from "./place.ts";
import { speakerToken } from "./speaker.ts";
import { type Watch, watchChat } from "./thread.ts";
import { trustTeamAuthority } from "./trust.ts";
import { chatUrl } from "./url.ts";

export interface AskOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly agent: string;
  /** Markdown; a mention of the agent is put before it when it has none. */
  readonly text: string;
  /** Person of the team file who speaks; the operator unless given. */
  readonly as?: string;
  /** `channel` or `team/channel`; the first that both are in unless given. */
  readonly channel?: string;
  /** How long to wait for the first answer, ms. */
  readonly waitMs: number;
  /** Keeps following the thread until aborted, telling of every further post. */
  readonly follow?: boolean;
  /** Called for each acknowledgement and each post in the thread, as it arrives. */
  readonly seen?: (what: "acknowledged" | "answer" | "post", text: string, ms: number) => void;
  readonly url?: string;
  readonly signal: AbortSignal;
}

export interface AskResult {
  readonly agent: string;
  /** Where it was asked: `olympus/dev`. */
  readonly channel: string;
  readonly postId: string;
  readonly answerId: string;
  readonly answer: string;
  /** From sending the post to the bot's reaction, ms; to the answer when no reaction was seen before it. */
  readonly ackMs: number;
  /** From sending the post to the answer, ms. */
  readonly answerMs: number;
}

/**
 * Asks an agent in the chat as a person of the team and waits for its answer in the thread.
 * Throws E-CHAT-NO-ANSWER (exit 2) with the likely reason, E-CHAT-PLACE, E-CHAT-DOWN (exit 4), E-CHAT-LOGIN, E-CHAT-REFUSED.
 */
export async function askAgent(options: AskOptions): Promise<AskResult> {
  const { team, agent, signal, seen } = options;
  const url = options.url ?? chatUrl(team);
  trustTeamAuthority(options.secrets);
  const place = findPlace(team, agent, options.as, options.channel);
  await waitForChat(url, 10_000, signal);
  try {
    const token = await speakerToken(url, team, options.secrets, place.person, signal);
    const client = chatClient(url, token, signal);
    const botId = options.secrets.require(`mattermost.bots.${agent}.id`).reveal();
    const { id: channelId } = await client.getChannelByNameAndTeamName(place.team, place.channel);
    const watch = await watchChat(url, token, client, signal);
    try {
      const started = performance.now();
      const { id: postId } = await client.createPost({
        channel_id: channelId,
        message: addressed(agent, options.text),
      });
      const found = await untilAnswer(watch, { postId, botId, started, deadline: started + options.waitMs, seen });
      if ("missing" in found) {
        throw await whyNoAnswer({ client, url, agent, botId, channelId, waitMs: options.waitMs, ackMs: found.ackMs });
      }
      const result = { agent, channel: `${place.team}/${place.channel}`, postId, ...found };
      if (options.follow) await follow(watch, postId, started, options);
      return result;
    } finally {
      watch.close();
    }
  } catch (error) {
    throw chatError(error, url, "take the post");
  }
}

/** The text with a mention of the agent in it. */
export function addressed(agent: string, text: string): string {
  return new RegExp(`(^|[^\\w.@-])@${agent}(?![\\w-])`, "i").test(text) ? text : `@${agent} ${text}`;
}

type Seen = AskOptions["seen"];

interface Expectation {
  readonly postId: string;
  readonly botId: string;
  /** `performance.now()` values. */
  readonly started: number;
  readonly deadline: number;
  readonly seen: Seen;
}

type Found =
  | Pick<AskResult, "answer" | "answerId" | "ackMs" | "answerMs">
  | { missing: true; ackMs: number | undefined };

async function untilAnswer(watch: Watch, { postId, botId, started, deadline, seen }: Expectation): Promise<Found> {
  let ackMs: number | undefined;
  let lastLook = false;
  for (;;) {
    const sighting = await watch.next(postId, deadline);
    if (sighting === undefined) {
      if (lastLook) return { missing: true, ackMs };
      // The live connection may have been away: the server itself has the last word.
      lastLook = true;
      await watch.catchUp(postId);
      continue;
    }
    const ms = Math.round((sighting.at - started) * 10) / 10;
    if (sighting.userId !== botId) {
      if (sighting.kind === "post") seen?.("post", sighting.text, ms);
    } else if (sighting.kind === "reaction") {
      if (ackMs === undefined) seen?.("acknowledged", sighting.text, ms);
      ackMs ??= ms;
    } else {
      seen?.("answer", sighting.text, ms);
      return { answer: sighting.text, answerId: sighting.postId, answerMs: ms, ackMs: ackMs ?? ms };
    }
  }
}

/** Tells of everything else in the thread until the signal ends it. */
async function follow(watch: Watch, postId: string, started: number, { seen, signal }: AskOptions): Promise<void> {
  while (!signal.aborted) {
    const sighting = await watch.next(postId, Number.POSITIVE_INFINITY);
    if (sighting?.kind === "post") seen?.("post", sighting.text, Math.round(sighting.at - started));
  }
}
