import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../../src/base/errors.ts";
import type { Secret } from "../../src/base/secret.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { agentKeyPath } from "../../src/team/model-keys.ts";
import { listPrice } from "../../src/team/prices.ts";
import type { ModelChoice } from "../../src/team/schema.ts";

export const rehearsalPort = 18780;

export interface RenderedModels {
  readonly models: AgentConfigInput["models"];
  /** Keys, by the name that the configuration uses. */
  readonly secrets: Readonly<Record<string, Secret>>;
}

/**
 * The models that an agent may ask, with prices and keys. Throws E-SECRET-MISSING when a key is missing, E-AGENT-REHEARSAL when a model
 * is to be played and no machine plays it.
 */
export function renderModels(
  team: LoadedTeam,
  agent: string,
  choices: readonly ModelChoice[],
  store: SecretStore,
): RenderedModels {
  const secrets: Record<string, Secret> = {};
  const models = choices.map((choice) => {
    const key = keyOf(agent, choice, store);
    const list = listPrice(choice);
    const price = choice.price ?? list;
    const window = choice.window ?? list?.window;
    if (key !== undefined) secrets[key.file] = key.secret;
    return {
      provider: choice.provider,
      model: choice.model,
      ...(choice.provider === "rehearsal"
        ? { baseUrl: choice.baseUrl ?? rehearsalUrl(team) }
        : choice.baseUrl === undefined
          ? {}
          : { baseUrl: choice.baseUrl }),
      ...(key === undefined ? {} : { keyFile: key.file }),
      ...(price === undefined ? {} : { price: priceOf(price) }),
      ...(choice.for === undefined ? {} : { for: choice.for }),
      ...(window === undefined ? {} : { window }),
    };
  });
  return { models, secrets };
}

/** What of a price a configuration takes. */
export function priceOf({ input, output, cachedInput, cacheWrite }: NonNullable<ModelChoice["price"]>) {
  return {
    input,
    output,
    ...(cachedInput === undefined ? {} : { cachedInput }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
  };
}

function keyOf(agent: string, choice: ModelChoice, secrets: SecretStore): { file: string; secret: Secret } | undefined {
  if (choice.provider === "rehearsal") return undefined;
  const name = choice.key ?? choice.provider;
  const path = `models.${name}`;
  const secret =
    secrets.get(agentKeyPath(agent, name)) ??
    // A server of one's own may ask for no key; a hosted provider always does.
    (choice.provider === "openai-compatible" ? secrets.get(path) : secrets.require(path));
  return secret === undefined ? undefined : { file: `model-${name}`, secret };
}

function rehearsalUrl(team: LoadedTeam): string {
  const machine = team.machines.find((one) => one.service?.services.includes("rehearsal"));
  if (machine !== undefined) return `http://${machine.address}:${rehearsalPort}`;
  throw new OlympusError("a model is to be rehearsed, and no machine of the team plays it", {
    code: "E-AGENT-REHEARSAL",
    where: team.file,
    hint: "give a service VM  services: [rehearsal]  or the agent a model with a key",
  });
}
