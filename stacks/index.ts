import { getStack, log, type Resource, RunError, runtime } from "@pulumi/pulumi";
import { openSecrets } from "../secrets/store.ts";
import { exitCodes, OlympusError } from "../src/base/errors.ts";
import { askOthers, checkDataDisks } from "../src/machines/data-disks.ts";
import { errorText } from "../src/machines/error-text.ts";
import { sshTargetOf } from "../src/machines/find.ts";
import { findLeftovers, refuseImagesInUse, removeLeftovers } from "../src/machines/leftovers.ts";
import { ownerMark } from "../src/machines/names.ts";
import { stateOwner } from "../src/machines/owner.ts";
import { preflight } from "../src/machines/preflight.ts";
import { privateFolder, releaseWhenGone, writePrivateFiles } from "../src/machines/private-files.ts";
import { requireImages } from "../src/machines/required-images.ts";
import { findHypervisor, machineSpecs } from "../src/machines/spec.ts";
import { readStackState } from "../src/machines/state.ts";
import { sweepPrivateFiles } from "../src/machines/sweep.ts";
import { tell, toldVariable } from "../src/machines/told.ts";
import { connectSsh } from "../src/ssh/connect.ts";
import { loadTeam } from "../src/team/load.ts";
import { requirePulumiEnv } from "../src/toolchain/require-env.ts";
import { setSalt } from "../src/toolchain/salt.ts";
import { endWith, readyHook, shutDownHook } from "./hooks.ts";
import { baseVolumes, hypervisorProvider } from "./hypervisor.ts";
import { commandPlugin, rolesCommand } from "./roles-command.ts";
import { Vm } from "./vm.ts";

/** The VMs of the hypervisor that the stack is named after. */
export default async function program(): Promise<Record<string, unknown>> {
  try {
    return await hypervisorStack(getStack());
  } catch (error) {
    if (!(error instanceof OlympusError)) throw error;
    tell(error);
    // Shown without a stack: a person needs the text, the code and the next step.
    throw new RunError(errorText(error));
  }
}

async function hypervisorStack(stack: string): Promise<Record<string, unknown>> {
  requirePulumiEnv();
  const team = await loadTeam(process.env.OLYMPUS_TEAM!);
  const hypervisor = findHypervisor(team, stack);
  if (hypervisor === undefined) {
    throw new OlympusError(`the team file has no hypervisor "${stack}"`, {
      code: "E-STACK",
      exit: exitCodes.usage,
      where: team.file,
      hint: `stacks: ${team.hypervisors.map(({ name }) => name).join(", ")}`,
    });
  }
  const secrets = await openSecrets(team);
  const target = sshTargetOf(team, secrets, hypervisor.name);
  const specs = machineSpecs(team, secrets, stack);
  const owner = stateOwner(team.name);

  const connection = await connectSsh(target);
  const inventory = await preflight({ connection, team: team.name, hypervisor, owner });
  // `olympus up` did both before it began; a refresh has been since, which may have changed what the state says.
  const plain = process.env[toldVariable] === undefined;
  if (plain) {
    requireImages(stack, specs, await readStackState(stack));
    await checkDataDisks({
      team,
      hypervisor,
      connection,
      inventory,
      stateOf: (one) => readStackState(one),
      volumesOn: askOthers(team, secrets, undefined),
      warn: (what) => log.warn(`[olympus] ${what}`),
    });
  }
  if (!runtime.isDryRun()) {
    const leftovers = findLeftovers(team.name, inventory, await readStackState(stack));
    const kept = await removeLeftovers(connection, hypervisor.pool, leftovers, (what) =>
      log.warn(`[olympus] ${stack}: ${what}`),
    );
    const images = specs.map(({ base }) => base.volume);
    refuseImagesInUse(stack, images, kept);
  }

  sweepPrivateFiles();
  const folder = privateFolder(team, stack);
  // Our parent is Pulumi's CLI, which needs the files until it ends. `olympus up` waits for it and releases them itself.
  const files = writePrivateFiles(
    folder,
    target,
    specs.map(({ seed }) => seed),
    process.ppid,
  );
  if (plain) releaseWhenGone(folder, process.ppid);

  const provider = hypervisorProvider(target, files);
  const bases = baseVolumes(
    specs.map(({ base }) => base),
    hypervisor.pool,
    provider,
  );
  const failures: OlympusError[] = [];
  const vms = specs.map((spec) => {
    const { machine } = spec;
    const context = { team: team.name, connection, target: sshTargetOf(team, secrets, machine.name), spec, failures };
    return new Vm({
      spec,
      hypervisor,
      provider,
      base: bases.get(spec.base.volume)!,
      seedFile: files.seedPath(spec.seed.hash),
      mark: ownerMark(team.name, machine.name, owner),
      hooks: { ready: readyHook(context), shutDown: shutDownHook(context) },
    });
  });
  const names = specs.map(({ machine }) => machine.name);
  const domains = vms.map(({ domain }) => domain);
  const version = team.team.policy.rolesWithMachines ? commandPlugin() : undefined;
  const roles =
    version === undefined ? [] : [rolesCommand({ team, secrets, stack, machines: names, domains, version })];
  await allRegistered([provider, ...domains, ...roles]);
  await setSalt(stack, undefined);
  if (failures.length === 0 && !runtime.isDryRun() && version === undefined) {
    const { rolesWithMachines } = await import("./roles.ts");
    for (const failure of await rolesWithMachines(team, secrets, names)) {
      tell(failure);
      failures.push(failure);
    }
  }
  endWith(failures);
  return { machines: specs.map(({ machine }) => machine.name) };
}

/**
 * Resolves when the engine has dealt with all of them, in a preview as well. Rejects when a registration failed: Pulumi tells the program
 * of that only as an unhandled rejection, the resource's outputs then never settle, and the run would never end.
 */
async function allRegistered(resources: readonly Resource[]): Promise<void> {
  let onFailure = (_reason: unknown): void => undefined;
  const failed = new Promise<never>((_, reject) => {
    onFailure = reject;
  });
  process.once("unhandledRejection", onFailure);
  try {
    const settled = resources.map((resource) => new Promise((resolve) => resource.urn.apply(resolve)));
    await Promise.race([Promise.all(settled), failed]);
  } finally {
    process.off("unhandledRejection", onFailure);
  }
}
