import { loadAgentConfig } from "./config.ts";
import { readSecretFile } from "./secret-file.ts";

/** Reads all that a start would read. Throws E-AGENT-CONFIG or E-AGENT-SECRET as that would, and starts nothing. */
export async function checkAgent(configFile: string): Promise<void> {
  const { chat, listen, models } = await loadAgentConfig(configFile);
  const keys = models.flatMap(({ keyFile }) => keyFile ?? []);
  for (const file of [chat.tokenFile, listen.tokenFile, ...keys]) readSecretFile(file, configFile);
}
