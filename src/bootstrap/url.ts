import { exitCodes, OlympusError } from "../base/errors.ts";
import type { LoadedTeam, Machine } from "../team/model.ts";

/** The port that Mattermost listens on. */
export const chatPort = 8065;

/** The machine that carries the chat. Throws E-CHAT-NONE when no service VM of the team file does. */
export function chatMachine(team: Pick<LoadedTeam, "file" | "machines">): Machine {
  const machine = team.machines.find((one) => one.service?.services.includes("chat"));
  if (machine !== undefined) return machine;
  throw new OlympusError("no machine of the team carries the chat", {
    code: "E-CHAT-NONE",
    exit: exitCodes.usage,
    where: team.file,
    hint: "Give a service VM `services: [chat]`.",
  });
}

/** Where people and agents reach the chat, without a trailing slash: `http://10.220.1.20:8065`. */
export function chatUrl(team: Pick<LoadedTeam, "file" | "machines">): string {
  return `http://${chatMachine(team).address}:${chatPort}`;
}
