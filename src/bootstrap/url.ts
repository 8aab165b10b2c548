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

/** Where people and agents reach the chat, without a trailing slash: `http://10.220.1.20:8065`, `https:` where it speaks TLS. */
export function chatUrl(team: Pick<LoadedTeam, "file" | "machines">): string {
  const { address, roles } = chatMachine(team);
  return `${chatSpeaksTls({ roles }) ? "https" : "http"}://${address}:${chatPort}`;
}

/** Whether the chat of this host has a certificate. */
export function chatSpeaksTls({ roles }: Pick<Machine, "roles">): boolean {
  return (roles.mattermost?.tls ?? "off") !== "off";
}

/** Whether that certificate is by the team's own authority, which everybody has to be told of. */
export function chatByTeamAuthority({ machines }: Pick<LoadedTeam, "machines">): boolean {
  return machines.some(({ roles }) => roles.mattermost?.tls === "team-ca");
}
