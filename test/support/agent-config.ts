import { type AgentConfig, type AgentConfigInput, agentConfigSchema } from "../../src/harness/config.ts";

type Change = Partial<Omit<AgentConfigInput, "chat">> & { readonly chat?: Partial<AgentConfigInput["chat"]> };

/** An agent's configuration as its machine has it, athena's unless named otherwise, that leads to nothing real; with what a test is about. */
export function agentConfig({ chat, ...change }: Change = {}): AgentConfig {
  return agentConfigSchema.parse({
    version: 1,
    agent: "athena",
    team: "lab",
    persona: "x",
    chat: { url: "http://chat", tokenFile: "t", botId: `${change.agent ?? "athena"}-id`, ...chat },
    models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: "http://model" }],
    budget: { run: 1, day: 10 },
    listen: { address: "127.0.0.1", port: 0, tokenFile: "t" },
    dataDir: "/nowhere",
    ...change,
  });
}
