import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CustomResource, type CustomResourceOptions, type Input, type Resource } from "@pulumi/pulumi";
import type { SecretStore } from "../secrets/store.ts";
import { projectRoot } from "../src/base/paths.ts";
import { quoteAll } from "../src/base/quote.ts";
import type { LoadedTeam } from "../src/team/model.ts";

interface LocalCommandArgs {
  readonly create: Input<string>;
  /** What it is done again for. */
  readonly triggers: readonly Input<string>[];
  readonly logging: "stderr";
}

/** `local.Command` of the package @pulumi/command, as far as it is used: its SDK is a resource's name and nothing else. */
export class LocalCommand extends CustomResource {
  constructor(name: string, args: LocalCommandArgs, options: CustomResourceOptions) {
    super("command:local:Command", name, { ...args, stdout: undefined, stderr: undefined }, options);
  }
}

/** The newest version of the plugin `command` that is installed; undefined where there is none: then nothing is fetched for it. */
export function commandPlugin(home = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi")): string | undefined {
  const folder = join(home, "plugins");
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .flatMap((name) => /^resource-command-v(\d+\.\d+\.\d+)$/.exec(name)?.[1] ?? [])
    .sort((one, other) => one.localeCompare(other, "en", { numeric: true }))
    .at(-1);
}

/** A stack whose machines' roles are applied as a resource of its own. */
export interface RolesCommand {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly stack: string;
  readonly machines: readonly string[];
  /** Ready before; another one in place of any of them has its roles applied anew. */
  readonly domains: readonly CustomResource[];
  readonly version: string;
}

/**
 * The roles of a stack's machines as a resource: a preview shows whether they will be applied. That is done when the team file, a secret
 * or a machine is another one than last time; what somebody changed on a machine shows in `olympus role check` only.
 */
export function rolesCommand({ team, secrets, stack, machines, domains, version }: RolesCommand): Resource {
  const program = join(projectRoot, "stacks/roles-main.ts");
  const wished = createHash("sha256").update(readFileSync(team.file));
  // All in one sum: nothing can be told from it, and nothing of a value is in the stack's state.
  for (const path of secrets.paths().toSorted()) wished.update(`\0${path}\0${secrets.require(path).reveal()}`);
  return new LocalCommand(
    `${stack}-roles`,
    {
      create: quoteAll([process.execPath, program, ...machines]),
      triggers: [wished.digest("hex"), ...domains.map(({ id }) => id)],
      logging: "stderr",
    },
    { dependsOn: [...domains], version },
  );
}
