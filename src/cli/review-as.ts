import { existsSync } from "node:fs";
import { renderForge } from "../../roles/agent/forge.ts";
import { priceOf, renderModels } from "../../roles/agent/models.ts";
import { openSecrets } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import type { AgentConfig, ModelConfig } from "../harness/config.ts";
import type { Policy } from "../harness/policy/schema.ts";
import type { Known } from "../harness/trust.ts";
import type { LoadedTeam } from "../team/model.ts";
import { renderPersona } from "../team/persona.ts";
import { listPrice } from "../team/prices.ts";
import type { CommandContext } from "./context.ts";
import { findTeamFile } from "./run.ts";

/** Who looks at a pull request, and with what. */
export interface ReviewAccount extends Pick<AgentConfig, "agent" | "team" | "persona" | "budget" | "timezone"> {
  /** Undefined where the token's account is to be asked for. */
  readonly login: string | undefined;
  /** What it looks at first. */
  readonly lenses: readonly string[];
  readonly token: Secret;
  readonly models: readonly ModelConfig[];
  /** Of models, by `keyFile`. */
  readonly keys: Readonly<Record<string, Secret>>;
  /** The team's accounts; where there is no team, the forge says who belongs to a repository. */
  readonly forge: Known["forge"];
}

export interface ReviewSetup {
  readonly api: string;
  readonly accounts: readonly ReviewAccount[];
  /** Which lenses a change needs, where a team file says so. */
  readonly lenses: Policy["lenses"] | undefined;
}

/**
 * Who may review changes of a repository: the agents of the team file that lists it, else whoever the environment's token belongs to.
 * Throws E-REVIEW-SETUP where there is no token or no model.
 */
export async function reviewSetup(
  { options, loadTeam }: Pick<CommandContext, "options" | "loadTeam">,
  repo: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ReviewSetup> {
  const named = options.team !== undefined || Boolean(env.OLYMPUS_TEAM);
  const team = named || existsSync(findTeamFile(options)) ? await loadTeam() : undefined;
  const known = Object.keys(team?.team.repositories ?? {});
  if (team !== undefined && known.some((name) => name.toLowerCase() === repo.toLowerCase())) return ofTeam(team);
  return ofEnvironment(repo, env);
}

async function ofTeam(team: LoadedTeam): Promise<ReviewSetup> {
  const secrets = await openSecrets(team);
  let api = "";
  const accounts = team.machines.flatMap((machine): ReviewAccount[] => {
    const { name, agent } = machine;
    if (agent === undefined || secrets.get(`agents.${name}.github`) === undefined) return [];
    const rendered = renderForge(team, machine, secrets);
    if (rendered === undefined) return [];
    const { forge, secrets: tokens } = rendered;
    api = forge.api;
    const { models, secrets: keys } = renderModels(team, name, agent.models, secrets);
    return [
      {
        agent: name,
        team: team.name,
        persona: renderPersona(team, machine),
        budget: agent.budget,
        timezone: team.team.defaults.timezone,
        login: forge.login,
        lenses: agent.lenses,
        token: tokens["forge-review-token"] ?? tokens["forge-token"]!,
        models: models as ModelConfig[],
        keys,
        forge: forge as Known["forge"],
      },
    ];
  });
  if (accounts.length === 0)
    throw setupError(
      `no agent of ${team.file} has an account on the forge`,
      "give agents the role github, and their tokens:  npx olympus secrets set agents.<agent>.github",
    );
  return { api, accounts, lenses: team.team.policy.reviews };
}

const environment =
  "set OLYMPUS_FORGE_TOKEN (or GITHUB_TOKEN), OLYMPUS_MODEL as provider/model, and the model's key as OLYMPUS_MODEL_KEY; or list the repository in a team file";

function ofEnvironment(repo: string, env: NodeJS.ProcessEnv): ReviewSetup {
  const token = env.OLYMPUS_FORGE_TOKEN || env.GITHUB_TOKEN;
  if (!token) throw setupError(`there is no token for ${repo}, and no team file lists it`, environment);
  const { model, key } = modelOf(env);
  return {
    api: (env.OLYMPUS_FORGE_API || "https://api.github.com").replace(/\/+$/, ""),
    lenses: undefined,
    accounts: [
      {
        agent: "olympus",
        team: repo.split("/")[0]!,
        persona: "You look at changes for those who maintain the repository.",
        budget: { run: 2, day: 2 },
        timezone: "Etc/UTC",
        login: env.OLYMPUS_FORGE_LOGIN || undefined,
        lenses: [],
        token: new Secret("forge.token", token),
        models: [model],
        keys: key === undefined ? {} : { "model-key": key },
        forge: undefined,
      },
    ],
  };
}

const providers = ["anthropic", "openai", "google", "openai-compatible", "rehearsal"] as const;

function modelOf(env: NodeJS.ProcessEnv): { model: ModelConfig; key: Secret | undefined } {
  const [, word, name] = /^([^/]+)\/(.+)$/.exec(env.OLYMPUS_MODEL ?? "") ?? [];
  const provider = providers.find((one) => one === word);
  if (provider === undefined || name === undefined)
    throw setupError(
      `OLYMPUS_MODEL is ${env.OLYMPUS_MODEL ? "no provider/model" : "not set"}`,
      `name one such as anthropic/claude-sonnet-5; providers are ${providers.join(", ")}`,
    );
  const own = provider === "openai-compatible" || provider === "rehearsal";
  if (own && !env.OLYMPUS_MODEL_URL)
    throw setupError(`${provider} needs its server's address`, "set OLYMPUS_MODEL_URL");
  if (!own && !env.OLYMPUS_MODEL_KEY) throw setupError(`${provider} needs a key`, "set OLYMPUS_MODEL_KEY");
  const key = env.OLYMPUS_MODEL_KEY ? new Secret("model.key", env.OLYMPUS_MODEL_KEY) : undefined;
  const price = listPrice({ provider, model: name });
  const model: ModelConfig = {
    provider,
    model: name,
    ...(env.OLYMPUS_MODEL_URL && { baseUrl: env.OLYMPUS_MODEL_URL.replace(/\/+$/, "") }),
    ...(key && { keyFile: "model-key" }),
    ...(price && { price: priceOf(price), window: price.window }),
  };
  return { model, key };
}

const setupError = (message: string, hint: string): OlympusError =>
  new OlympusError(message, { code: "E-REVIEW-SETUP", exit: exitCodes.usage, hint });
