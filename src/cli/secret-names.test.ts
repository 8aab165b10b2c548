import { expect, it } from "vitest";
import { meantName } from "./secret-names.ts";

const known = [
  "ssh.deploy.private",
  "ssh.deploy.public",
  "agents.agent-1.dashboard",
  "agents.agent-1.github",
  "agents.agent-2.dashboard",
  "mattermost.bots.agent-1.token",
  "models.anthropic",
];

it.each([
  ["agents.agent-1.dashbord", "agents.agent-1.dashboard"],
  ["agnts.agent-2.dashboard", "agents.agent-2.dashboard"],
  ["ssh.deploy.publik", "ssh.deploy.public"],
  ["ssh.deplyo", "ssh.deploy"],
  ["mattermost.bot.agent-1", "mattermost.bots.agent-1"],
  ["models.antropic", "models.anthropic"],
])("%s: %s was meant", (name, meant) => expect(meantName(name, known)).toBe(meant));

it.each(["agents.agent-2.github", "models.openai", "ssh.deploy", "models.anthropic", "sudo.athena"])(
  "%s is no misspelt other name",
  (name) => expect(meantName(name, known)).toBeUndefined(),
);
