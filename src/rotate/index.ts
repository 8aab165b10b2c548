import { exitCodes, OlympusError } from "../base/errors.ts";
import { botRotation } from "./bot.ts";
import { dashboardRotation } from "./dashboard.ts";
import { databaseRotation } from "./database.ts";
import { deployKeyRotation } from "./deploy-key.ts";
import { modelKeyRotation } from "./model-key.ts";
import type { RotateContext, Rotation } from "./rotation.ts";

export { type RotateContext, type Rotation, runRotation } from "./rotation.ts";

/** How to come by a new value of what is not rotated in place. */
const elsewhere: readonly (readonly [RegExp, string])[] = [
  [
    /^hosts\.([^.]+)/,
    "A host key is injected with a new root disk: `npx olympus secrets forget` both halves, `init`, and rebuild the machine.",
  ],
  [
    /^mattermost\.people\./,
    "`npx olympus secrets forget` it: the next `npx olympus chat` makes another and revokes this one.",
  ],
  [/^mattermost\.bots\.[^.]+\.(id|tokenId)$/, "It is no secret: the chat gave it."],
  [
    /^pulumi\.passphrase$/,
    "The state is written with it: `pulumi stack change-secrets-provider passphrase` in the environment of `npx olympus env`.",
  ],
];

/**
 * How a secret is rotated, by its name; halves and the short forms `ssh.deploy` and `mattermost.bots.athena` are understood.
 * `newValue` gives what nobody here can make. Throws E-SECRET-MISSING, E-SECRET-ROTATE.
 */
export function rotationOf(name: string, context: RotateContext, newValue: () => Promise<string>): Rotation {
  const agents = Object.keys(context.team.team.agents);
  const dashboard = /^agents\.([^.]+)\.dashboard$/.exec(name)?.[1];
  if (dashboard !== undefined && agents.includes(dashboard)) return set(dashboardRotation(dashboard, context), context);
  const bot = /^mattermost\.bots\.([^.]+)(?:\.token)?$/.exec(name)?.[1];
  if (bot !== undefined && agents.includes(bot)) return set(botRotation(bot, context), context);
  if (name === "postgresql.mattermost") return set(databaseRotation(context), context);
  if (/^ssh\.deploy(\.private|\.public)?$/.test(name)) return deployKeyRotation(context);
  if (/^(agents\.[^.]+\.)?models\.[^.]+$/.test(name)) return set(modelKeyRotation(name, context, newValue), context);
  throw new OlympusError(`${name} is not rotated in place`, {
    code: "E-SECRET-ROTATE",
    exit: exitCodes.usage,
    hint:
      elsewhere.find(([pattern]) => pattern.test(name))?.[1] ??
      "These are: ssh.deploy, postgresql.mattermost, agents.NAME.dashboard, mattermost.bots.NAME, models.NAME, agents.NAME.models.NAME",
  });
}

/** The names of everything that can be rotated without being given a value. */
export function rotatable({ team, secrets }: Pick<RotateContext, "team" | "secrets">): string[] {
  const agents = Object.keys(team.team.agents);
  return [
    ...agents.map((agent) => `agents.${agent}.dashboard`),
    ...agents.map((agent) => `mattermost.bots.${agent}.token`),
    "postgresql.mattermost",
  ]
    .filter((path) => secrets.get(path) !== undefined)
    .concat("ssh.deploy");
}

/** There has to be something to replace. */
function set(rotation: Rotation, { secrets }: RotateContext): Rotation {
  secrets.require(rotation.name);
  return rotation;
}
