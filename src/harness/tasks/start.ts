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

/** All secrets that an agent's place on the forge takes. Throws for one that is missing. */
export function forgeSecrets(settings: NonNullable<AgentConfig["forge"]>, secret: StartParts["secret"]) {
  const optional = (name: string | undefined) => (name === undefined ? undefined : secret(name));
  return {
    token: secret(settings.tokenFile),
    key: secret(settings.keyFile),
    webhookSecret: optional(settings.webhook?.secretFile),
    reviewToken: optional(settings.reviewTokenFile),
  };
}

/** The agent's place on the forge, where its configuration names one. Throws for a secret that is missing. */
export async function forgeDesk(
  config: AgentConfig,
  { secret, secrets, ...parts }: StartParts,
): Promise<Desk | undefined> {
  const settings = config.forge;
  if (settings === undefined) return undefined;
  const its = forgeSecrets(settings, secret);
  secrets.push(...Object.values(its).filter((one) => one !== undefined));
  // Agents that no forge knows do without.
  const { Desk } = await import("./desk.ts");
  return new Desk({ ...parts, config, settings, ...its });
}
