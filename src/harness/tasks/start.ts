import type { Secret } from "../../base/secret.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/open.ts";
import type { Desk } from "./desk.ts";

interface StartParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads a secret by the name that the configuration uses. */
  readonly secret: (name: string) => Secret;
  /** What must not get out: the forge's are added. */
  readonly secrets: Secret[];
}

/** The agent's place on the forge, where its configuration names one. Throws for a secret that is missing. */
export async function forgeDesk(
  config: AgentConfig,
  { secret, secrets, ...parts }: StartParts,
): Promise<Desk | undefined> {
  const settings = config.forge;
  if (settings === undefined) return undefined;
  const token = secret(settings.tokenFile);
  const key = secret(settings.keyFile);
  const webhookSecret = settings.webhook && secret(settings.webhook.secretFile);
  const reviewToken = settings.reviewTokenFile === undefined ? undefined : secret(settings.reviewTokenFile);
  secrets.push(token, key, ...[webhookSecret, reviewToken].filter((one) => one !== undefined));
  // Agents that no forge knows do without.
  const { Desk } = await import("./desk.ts");
  return new Desk({ ...parts, config, settings, token, key, webhookSecret, reviewToken });
}
