import { readGrants } from "../base/grants.ts";
import { loadAgentConfig } from "./config.ts";
import { readSecretFile } from "./secret-file.ts";
import { forgeSecrets } from "./tasks/start.ts";
import { tlsOf } from "./tls.ts";

/** Reads all that a start would read. Throws E-AGENT-CONFIG, E-AGENT-SECRET or E-AGENT-TLS as that would, and starts nothing. */
export async function checkAgent(configFile: string): Promise<void> {
  const { chat, listen, models, forge } = await loadAgentConfig(configFile);
  const secret = (name: string) => readSecretFile(name, configFile);
  const keys = models.flatMap(({ keyFile }) => keyFile ?? []);
  for (const file of [chat.tokenFile, ...keys]) secret(file);
  readGrants(secret(listen.tokenFile).reveal(), listen.tokenFile);
  tlsOf(listen, secret);
  if (forge !== undefined) forgeSecrets(forge, secret);
}
