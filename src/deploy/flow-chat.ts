import type { SecretStore } from "../../secrets/store.ts";
import { askAgent } from "../bootstrap/ask.ts";
import { chatClient } from "../bootstrap/client.ts";
import { speakerToken } from "../bootstrap/speaker.ts";
import { chatUrl } from "../bootstrap/url.ts";
import type { LoadedTeam } from "../team/model.ts";

/** A person of the team in the chat. */
export interface PersonInChat {
  /** Asks an agent and waits for its first answer; gives the post's id. */
  ask(agent: string, text: string): Promise<string>;
  /** Everything that stands in a post's thread. */
  thread(postId: string): Promise<string[]>;
}

/** How long an agent may take to its first answer; emulated machines are slow. */
const patienceMs = 180_000;

export function personInChat(
  team: LoadedTeam,
  secrets: SecretStore,
  person: string,
  signal: AbortSignal,
): PersonInChat {
  return {
    async ask(agent, text) {
      return (await askAgent({ team, secrets, agent, as: person, text, waitMs: patienceMs, signal })).postId;
    },
    async thread(postId) {
      const url = chatUrl(team);
      const client = chatClient(url, await speakerToken(url, team, secrets, person, signal), signal);
      return Object.values((await client.getPostThread(postId)).posts).map(({ message }) => message);
    },
  };
}
