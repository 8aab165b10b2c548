import { mkdir } from "node:fs/promises";
import { initSecrets } from "../../secrets/store.ts";
import { OlympusErrors } from "../base/errors.ts";
import { withFileLock } from "../base/lock.ts";
import { runtimeDir } from "../base/paths.ts";
import { plural } from "../base/plural.ts";
import { type Reporter, type Step, withStep } from "../base/report.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import { clearGroups, findHierarchies, type Hierarchies } from "./cgroups.ts";
import { hypervisorSpec } from "./hypervisor.ts";
import { ensureHostKey } from "./identity.ts";
import { hostAddressOf, layout } from "./layout.ts";
import { freeInterface } from "./links.ts";
import { startMachine, stopMachine } from "./machine.ts";
import { startNetwork } from "./network.ts";
import { labObstacles } from "./obstacles.ts";
import { requireRoot, requireTools } from "./preflight.ts";
import { isAlive } from "./processes.ts";
import { ensureRoots, guestSources } from "./root.ts";
import { servicesSettings, startServices } from "./services.ts";
import { type LabState, readState, writeState, writeWhole } from "./state.ts";
import { chooseTeam, writeCopy } from "./team-copy.ts";

export interface LabUpOptions {
  /** Team file to run; without it the working copy, or the example. */
  readonly teamFile?: string;
  readonly reporter: Reporter;
  /** Step of the caller that tells what is going on; without one machines get a step of their own. */
  readonly step?: Step;
  readonly signal?: AbortSignal;
}

export interface LabUpResult {
  /** The working copy: what every other command uses from now on. */
  readonly team: LoadedTeam;
  /** What was started or written; empty when all was as it should be. */
  readonly changes: readonly string[];
}

/** Brings the lab up, or what is missing of it. A second call changes nothing; one after a crash goes on from there. */
export async function labUp(options: LabUpOptions): Promise<LabUpResult> {
  requireRoot("The lab");
  await mkdir(layout.dir, { recursive: true, mode: 0o700 });
  return withFileLock(layout.lock, { waitMs: 0 }, () => bring(options));
}

async function bring({ teamFile, reporter, step, signal }: LabUpOptions): Promise<LabUpResult> {
  const changes: string[] = [];
  const chosen = await chooseTeam(teamFile, reporter);
  const hierarchies = findHierarchies();
  const state = await usableState(hierarchies);
  // Read from its own place, so that whatever is wrong is shown there.
  const wished = await loadTeam(chosen.file);
  const debian = givenSources(wished, chosen.filledBefore);
  if (state.network === undefined) requireTools();
  const obstacles = await labObstacles(wished, state.network !== undefined);
  if (obstacles.length > 0) throw new OlympusErrors("the lab cannot come up here; nothing has been started", obstacles);
  const hostKeys: Record<string, string> = {};
  for (const { name } of wished.hypervisors) hostKeys[name] = await ensureHostKey(layout.machine(name), name);
  const packages = await guestSources(debian, wished.team.network.gateway);
  if (await writeCopy(chosen, { hostKeys, ...packages })) changes.push("team file");
  const team = await loadTeam(layout.team);
  const { store, made } = await initSecrets(team);
  if (made.length > 0) changes.push(plural(made.length, "secret"));
  const deployKey = store.require("ssh.deploy.public").reveal();
  const roots = await ensureRoots({
    reporter,
    hypervisor: true,
    debian,
    ...(signal && { signal }),
  });
  signal?.throwIfAborted();

  const begin = async (): Promise<void> => {
    if (!state.unfinished) await writeState({ ...state, unfinished: true });
    state.unfinished = true;
  };
  if (state.network === undefined) {
    await begin();
    const { cidr, gateway } = team.team.network;
    const spec = { lab: layout.lab, cidr, gateway, hostAddress: hostAddressOf(gateway), dir: layout.dir };
    // Two projects' labs that start in the same moment would choose one name.
    state.network = await withFileLock(runtimeDir("lab-network.lock"), { signal, waitMs: 30_000 }, async () =>
      startNetwork({ ...spec, hostInterface: await freeInterface() }, hierarchies),
    );
    await writeState(state);
    changes.push("network");
  }
  const network = state.network;
  for (const [name, machine] of Object.entries(state.machines)) {
    if (team.hypervisors.some((hypervisor) => hypervisor.name === name && hypervisor.address === machine.address))
      continue;
    await begin();
    await stopMachine(network, { name, init: machine.init }, hierarchies, 90_000);
    delete state.machines[name];
    changes.push(`${name} stopped`);
  }
  const missing = team.hypervisors.filter(({ name }) => !isAlive(state.machines[name]?.init));
  if (missing.length > 0) {
    await begin();
    const names = missing.map(({ name }) => name);
    const start = async (shown: Step): Promise<void> => {
      shown.update(names.join(", "));
      const specs = missing.map((one) => hypervisorSpec(one, roots, [deployKey], team.team.network.domain));
      const outcomes = await Promise.allSettled(
        specs.map(async (spec) => {
          // What is left of one that was cut off while starting would be in its way.
          await clearGroups(hierarchies, network.lab, spec.name);
          const machine = await startMachine(network, spec, hierarchies, signal);
          const { address, user, hostKey, init } = machine;
          state.machines[spec.name] = { address, user, hostKey, init };
          changes.push(spec.name);
        }),
      );
      await writeState(state);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    };
    if (step !== undefined) await start(step);
    else {
      await withStep(reporter, "lab machines", async (own) => {
        await start(own);
        return { value: undefined, summary: `${names.join(", ")} up in ${network.cidr}` };
      });
    }
  }
  const settings = servicesSettings(team, network, packages.hosts);
  if (!isAlive(state.services?.process) || state.services.settings !== settings) {
    await begin();
    await clearGroups(hierarchies, network.lab, "services");
    state.services = { process: await startServices(settings, network, hierarchies), settings };
    changes.push("ports");
  }
  if (await writeWhole(layout.pointer, `${layout.team}\n`)) changes.push("pointer");
  if (state.unfinished) {
    state.unfinished = false;
    await writeState(state);
  }
  return { team, changes };
}

/** APT lines that a person wrote into the team file; none when they are this computer's, filled in earlier. */
function givenSources(team: LoadedTeam, filledBefore: readonly string[]): readonly string[] {
  const { debian } = team.team.network.packages;
  return JSON.stringify(debian) === JSON.stringify(filledBefore) ? [] : debian;
}

/** What is still standing. When the gateway is gone, whatever hung on it is of no use and is cleared away. */
async function usableState(hierarchies: Hierarchies): Promise<LabState> {
  const state = await readState();
  if (state?.network !== undefined && isAlive(state.network.holder)) return state;
  await clearGroups(hierarchies, layout.lab);
  return { version: 1, unfinished: false, machines: {} };
}
