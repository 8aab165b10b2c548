import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, messageOf, OlympusError, OlympusErrors } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { bootstrap } from "../bootstrap/index.ts";
import { chatMachine } from "../bootstrap/url.ts";
import { remember } from "../converge/history.ts";
import { applyRoles } from "../converge/run.ts";
import { bringUp } from "../machines/up.ts";
import type { LoadedTeam } from "../team/model.ts";
import { waitUntilReady } from "./probe.ts";
import { remembered } from "./remembered.ts";

export interface DeployOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Machines to deploy; all of the team unless given. */
  readonly hosts?: readonly string[];
  /** Accounts and bots of the chat to take although bootstrap did not make them. */
  readonly adopt?: readonly string[];
  /** The command, as `role history` names it; `deploy` unless given. */
  readonly what?: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Turns a step's name into its label, such as "5/8 machines". */
  readonly label?: (name: string) => string;
}

export interface DeployResult {
  /** Resources, operations and chat settings that were changed; 0 when everything was as wished. */
  readonly changed: number;
}

/** What a deployment is made of; each has an effect on hosts. */
export interface DeploySteps {
  readonly bringUp: typeof bringUp;
  readonly applyRoles: typeof applyRoles;
  readonly bootstrap: typeof bootstrap;
  readonly waitUntilReady: typeof waitUntilReady;
  readonly remember: typeof remember;
}

/**
 * Machines, roles, chat, agents, probe, in this order; each does nothing where all is as wished.
 * A host that cannot be reached does not keep the others from being worked on; it is named in the OlympusErrors thrown at the end,
 * before what a later step could not do without it. Without the chat's machine nothing after the roles is tried.
 */
export async function deploy(
  options: DeployOptions,
  steps: DeploySteps = { bringUp, applyRoles, bootstrap, waitUntilReady, remember },
): Promise<DeployResult> {
  return remembered(options, steps, (told) => deployAll(options, told));
}

async function deployAll(options: DeployOptions, steps: DeploySteps): Promise<DeployResult> {
  const { team, secrets, reporter, signal, label = (name) => name } = options;
  const wanted = (name: string): boolean => options.hosts === undefined || options.hosts.includes(name);
  const machines = team.machines.filter(({ name }) => wanted(name));
  const services = machines.filter(({ kind }) => kind === "service").map(({ name }) => name);
  const agents = machines.filter(({ kind }) => kind === "agent").map(({ name }) => name);
  const errors: OlympusError[] = [];
  /** Hosts that a step failed on; later steps leave them out. */
  const left = new Set<string>();
  let changed = 0;
  try {
    await allSteps();
    if (errors.length === 0) return { changed };
  } catch (error) {
    signal.throwIfAborted();
    if (errors.length === 0) throw error;
    for (const one of error instanceof OlympusErrors ? error.errors : [error]) {
      if (!errors.some((known) => known === one)) errors.push(asOurs(one));
    }
  }
  throw new OlympusErrors("some hosts were left out", errors);

  async function allSteps(): Promise<void> {
    await withStep(reporter, label("machines"), async (step) => {
      const hypervisors = [...new Set(machines.map((machine) => machine.hypervisor))];
      const only = options.hosts === undefined ? {} : { only: options.hosts };
      const up = await steps.bringUp({ team, secrets, hypervisors, ...only, reporter, step, signal });
      changed += up.changed;
      errors.push(...up.errors);
      for (const name of up.failed) left.add(name);
      const done = machines.map(({ name }) => name).filter((name) => !left.has(name));
      const what = up.changed === 0 ? undefined : `${done.join(", ")} (${plural(up.changed, "change")})`.trimStart();
      return { value: undefined, summary: summaryOf(what, [...left].filter(wanted)) };
    });
    await runRoles("roles", [
      { hosts: services, roles: undefined },
      { hosts: agents, roles: ["base", "node"] },
    ]);
    const carrier = chatMachine(team).name;
    if (left.has(carrier)) throw new OlympusErrors(`the chat's machine ${carrier} is not up`, errors);
    const chat = await withStep(reporter, label("chat"), async () => {
      const value = await steps.bootstrap({ team, secrets, adopt: options.adopt ?? [], reporter, signal });
      return { value, summary: value.changed === 0 ? "as it was" : plural(value.changed, "change") };
    });
    changed += chat.changed;
    await runRoles("agents", [{ hosts: agents, roles: undefined }]);
    const standing = agents.filter((name) => !left.has(name));
    // OpenClaw answers on its own machine alone, and its role waited for that.
    const asked = standing.filter(
      (name) => machines.find((machine) => machine.name === name)?.agent?.runtime !== "openclaw",
    );
    await withStep(reporter, label("probe"), async (step) => {
      await steps.waitUntilReady({ team, secrets, agents: asked, step, signal });
      return { value: undefined, summary: standing.length === 0 ? "no agent to ask" : `ready: ${standing.join(", ")}` };
    });
  }

  /** Applies roles to groups of hosts side by side. A failed service ends the deployment: agents cannot do without; a failed agent does not. */
  async function runRoles(name: string, groups: { hosts: string[]; roles: string[] | undefined }[]): Promise<void> {
    await withStep(reporter, label(name), async (step) => {
      const results = await Promise.all(
        groups
          .map(({ hosts, roles }) => ({ hosts: hosts.filter((host) => !left.has(host)), roles }))
          .filter((group) => group.hosts.length > 0)
          .map((group) => steps.applyRoles({ team, secrets, action: "setup", ...group, reporter, step, signal })),
      );
      const out = groups.flatMap(({ hosts }) => hosts).filter((host) => left.has(host));
      const failed = results
        .flatMap((result) => result.hosts)
        .filter(({ state }) => state === "failed")
        .map(({ host }) => host);
      errors.push(...results.flatMap((result) => result.errors));
      for (const host of failed) left.add(host);
      if (failed.some((host) => services.includes(host))) {
        throw new OlympusErrors(`${failed.join(", ")} could not be set up`, errors);
      }
      const value = results.reduce((sum, result) => sum + result.changed, 0);
      changed += value;
      const what = summaryOf(value === 0 ? undefined : plural(value, "change"), failed, out);
      return { value: undefined, summary: what };
    });
  }
}

/** Pure. `what` is undefined when nothing was changed; that is no praise where hosts failed or were left out. */
function summaryOf(what: string | undefined, failed: readonly string[], left: readonly string[] = []): string {
  const tails: string[] = [];
  if (failed.length > 0) tails.push(`failed: ${failed.join(", ")}`);
  if (left.length > 0) tails.push(`left out: ${left.join(", ")}`);
  return [what ?? (tails.length === 0 ? "as they were" : "nothing changed"), ...tails].join("; ");
}

/** What a step threw, so that it can stand beside what went wrong before it. */
function asOurs(error: unknown): OlympusError {
  if (error instanceof OlympusError) return error;
  return new OlympusError(messageOf(error), { code: "E-BUG", exit: exitCodes.failed, cause: error });
}
