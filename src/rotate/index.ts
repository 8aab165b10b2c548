import { teamKeyPath } from "../../roles/agent/forge.ts";
import { hostsWithBackups } from "../backup/backup.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { adminPassword } from "../bootstrap/admin-account.ts";
import { chatByTeamAuthority } from "../bootstrap/url.ts";
import { playedForge, webhookSecret } from "../team/forge.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import { adminRotation } from "./admin.ts";
import { authorityRotation } from "./authority.ts";
import { backupIdentityRotation } from "./backup-identity.ts";
import { backupKeyRotation } from "./backup-key.ts";
import { botRotation } from "./bot.ts";
import { chatCertificateRotation, dashboardCertificateRotation, withOwnCertificate } from "./certificate.ts";
import { dashboardRotation } from "./dashboard.ts";
import { databaseRotation } from "./database.ts";
import { deployKeyRotation } from "./deploy-key.ts";
import { callsOf, deploymentKeysRotation } from "./deployments.ts";
import { githubTokenRotation } from "./github-token.ts";
import { modelKeyRotation } from "./model-key.ts";
import type { RotateContext, Rotation } from "./rotation.ts";
import { signingKeyRotation } from "./signing.ts";
import { signers, teamKeyRotation } from "./team-key.ts";
import { webhookRotation } from "./webhook.ts";

export { type RotateContext, type Rotation, runRotation, runRotations } from "./rotation.ts";

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
  [
    /^backup\.[^.]+\.earlier$/,
    "It opens backups of before a rotation. `npx olympus secrets rotate backup.NAME.identity` drops what no backup that is kept needs any more.",
  ],
  [
    /^agents\.[^.]+\.signing\.former$/,
    "Commits of before are checked by these public halves: they stay, and grow by one with each rotation of the key that signs.",
  ],
  [
    /^tls\.chat\b/,
    "The team file gives the certificate: put a new one there, its key with `npx olympus secrets set tls.chat.key`, then `npx olympus role setup mattermost`. Both are brought in one run.",
  ],
  [
    /^agents\.[^.]+\.tls\b/,
    "The team file gives the certificate: put a new one there, its key with `npx olympus secrets set`, then `npx olympus role setup agent`.",
  ],
  [
    /^(agents\.[^.]+\.github(-review)?|people\.[^.]+\.github)$/,
    "A token of the team's own forge: `npx olympus secrets forget` it, `npx olympus secrets init`, then `npx olympus role setup --all`: the old one opens nothing from then on.",
  ],
  [/^agents\.[^.]+\.tokens\./, "`npx olympus tokens add` it again: a name that is there gets a new value."],
  [
    /^team\.hmac$/,
    "Agents sign for one another with it what they write on the forge: while none is at work, `npx olympus secrets forget` it, `npx olympus secrets init`, then `npx olympus role setup agent --all`.",
  ],
  [
    /^forge\.webhook$/,
    "`npx olympus secrets forget` it, `npx olympus secrets init`, `npx olympus role setup --all`, and give it to GitHub where that sends the webhooks. Meanwhile they are refused, and agents look by themselves.",
  ],
  [/^sudo\./, "Set another on the host with passwd, then `npx olympus secrets set` it."],
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
  if (name === adminPassword) return set(adminRotation(context), context);
  if (name === "postgresql.mattermost") return set(databaseRotation(context), context);
  if (/^ssh\.deploy(\.private|\.public)?$/.test(name)) return deployKeyRotation(context);
  if (/^(agents\.[^.]+\.)?models\.[^.]+$/.test(name)) return set(modelKeyRotation(name, context, newValue), context);
  const sender = /^backup\.([^.]+)\.ssh(\.private|\.public)?$/.exec(name)?.[1];
  if (sender !== undefined) {
    context.secrets.require(`backup.${sender}.ssh.private`);
    return backupKeyRotation(sender, context);
  }
  const opener = /^backup\.([^.]+)\.identity$/.exec(name)?.[1];
  if (opener !== undefined) return set(backupIdentityRotation(opener, context), context);
  const [, caller, door] = /^agents\.([^.]+)\.deploy(?:\.([^.]+)(?:\.private|\.public)?)?$/.exec(name) ?? [];
  if (caller !== undefined && agents.includes(caller)) {
    if (door !== undefined) context.secrets.require(`agents.${caller}.deploy.${door}.private`);
    return deploymentKeysRotation(caller, context);
  }
  const committer = /^agents\.([^.]+)\.github$/.exec(name)?.[1];
  if (committer !== undefined && agents.includes(committer) && playedForge(context.team) === undefined) {
    return set(githubTokenRotation(committer, context, newValue), context);
  }
  if (/^tls\.chat(\.key|\.certificate)?$/.test(name) && chatByTeamAuthority(context.team)) {
    return chatCertificateRotation(context);
  }
  if (/^tls\.authority(\.key|\.certificate)?$/.test(name)) return set(authorityRotation(context), context, ".key");
  const signer = /^agents\.([^.]+)\.signing(\.private|\.public)?$/.exec(name)?.[1];
  const signs = listHosts(context.team).find((one) => one.name === signer && "github" in one.roles);
  if (signs !== undefined) return set(signingKeyRotation(signs, context), context, ".private");
  const shower = /^agents\.([^.]+)\.tls(\.key|\.certificate)?$/.exec(name)?.[1];
  const machine = withOwnCertificate(context.team).find((one) => one.name === shower);
  if (machine !== undefined) return dashboardCertificateRotation(machine, context);
  if (name === teamKeyPath && signers(context.team).length > 0) return set(teamKeyRotation(context), context);
  const forge = forgeWithWebhooks(context);
  if (name === webhookSecret && forge !== undefined) return set(webhookRotation(forge, context), context);
  throw new OlympusError(`${name} is not rotated in place`, {
    code: "E-SECRET-ROTATE",
    exit: exitCodes.usage,
    hint:
      elsewhere.find(([pattern]) => pattern.test(name))?.[1] ??
      "These are: ssh.deploy, team.hmac, postgresql.mattermost, mattermost.admin.password, agents.NAME.dashboard, mattermost.bots.NAME, models.NAME, agents.NAME.models.NAME, agents.NAME.github, agents.NAME.signing, agents.NAME.deploy, backup.NAME.ssh, backup.NAME.identity, tls.authority, tls.chat, agents.NAME.tls, forge.webhook of the team's own forge",
  });
}

/** The names of everything that can be rotated without being given a value. */
export function rotatable({ team, secrets }: Pick<RotateContext, "team" | "secrets">): string[] {
  const agents = Object.keys(team.team.agents);
  return (
    [
      ...agents.map((agent) => `agents.${agent}.dashboard`),
      ...agents.map((agent) => `mattermost.bots.${agent}.token`),
      adminPassword,
      "postgresql.mattermost",
      ...agents
        .filter((agent) => callsOf(agent, { team, secrets }).length > 0)
        .map((agent) => `agents.${agent}.deploy`),
      ...hostsWithBackups(team).flatMap(({ name }) => [`backup.${name}.ssh`, `backup.${name}.identity`]),
      "tls.authority",
      ...(chatByTeamAuthority(team) ? ["tls.chat"] : []),
      ...withOwnCertificate(team).map(({ name }) => `agents.${name}.tls`),
      ...team.machines.filter(({ roles }) => "github" in roles).map(({ name }) => `agents.${name}.signing`),
      ...(forgeWithWebhooks({ team }) === undefined ? [] : [webhookSecret]),
    ]
      .filter((path) => secrets.paths().some((one) => one === path || one.startsWith(`${path}.`)))
      // It does not end while something is open that the old one signed: nothing is to wait behind it.
      .concat("ssh.deploy", signers(team).length > 0 ? teamKeyPath : [])
  );
}

/** Where the team's own forge runs that sends webhooks. GitHub's are signed with what people gave it. */
function forgeWithWebhooks({ team }: Pick<RotateContext, "team">): Host | undefined {
  const machine = team.machines.find(({ service }) => service?.services.includes("forge"));
  // Without repositories nobody listens.
  const listened = team.team.forge.webhooks && Object.keys(team.team.repositories).length > 0;
  return listened ? listHosts(team).find(({ name }) => name === machine?.name) : undefined;
}

/** There has to be something to replace. */
function set(rotation: Rotation, { secrets }: RotateContext, half = ""): Rotation {
  secrets.require(rotation.name + half);
  return rotation;
}
