import type { Client4 } from "@mattermost/client";
import { OlympusError } from "../base/errors.ts";
import { orNothing } from "./client.ts";

/** Looks for the reason why an agent did not answer, and says it with the next step. Code E-CHAT-NO-ANSWER, exit 2. */
export async function whyNoAnswer({
  client,
  url,
  agent,
  botId,
  channelId,
  waitMs,
  ackMs,
}: {
  client: Client4;
  url: string;
  agent: string;
  botId: string;
  channelId: string;
  waitMs: number;
  ackMs: number | undefined;
}): Promise<OlympusError> {
  const failed = (reason: string, hint: string): OlympusError =>
    new OlympusError(`${agent} has not answered within ${Math.round(waitMs / 100) / 10} s: ${reason}`, {
      code: "E-CHAT-NO-ANSWER",
      where: url,
      hint,
    });
  if (ackMs !== undefined) {
    return failed(
      `it acknowledged the post after ${Math.round(ackMs)} ms and is still at work, or its model does not answer`,
      `npx olympus logs ${agent}\nWait longer with --wait; the answer will appear in the thread all the same.`,
    );
  }
  const bot = await orNothing(client.getUser(botId));
  if (bot === undefined || bot.delete_at !== 0) return failed("its bot is gone or disabled", "npx olympus bootstrap");
  if ((await orNothing(client.getChannelMember(channelId, botId))) === undefined) {
    return failed("it is not in the channel", "npx olympus bootstrap");
  }
  const [status] = await client.getStatusesByIds([botId]);
  if (status?.status !== "online") {
    return failed("its harness is not connected to the chat", `npx olympus status ${agent}\nnpx olympus logs ${agent}`);
  }
  return failed(
    "it is connected, but took no notice of the post",
    `May the speaker command it (\`command: true\` in the team file)?   npx olympus logs ${agent}`,
  );
}
