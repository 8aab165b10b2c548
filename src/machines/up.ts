import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import { type Reporter, type Step, withStep } from "../base/report.ts";
import { ensureImage } from "../images/index.ts";
import { createQueue } from "../ssh/queue.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { MachineChange } from "./changes.ts";
import { growDataDisks } from "./grow.ts";
import { runStack, type StackOutcome, type StackRun, withChanges } from "./stack.ts";
import { awaitStanding } from "./standing.ts";

export interface UpOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Names; all of the team unless given. */
  readonly hypervisors?: readonly string[];
  readonly reporter: Reporter;
  /** No other machine than these may be stopped: where one would, its hypervisor is left alone and E-OTHERS says what waits. */
  readonly only?: readonly string[];
  /** Shows progress in place of a step of its own. */
  readonly step?: Step;
  readonly signal?: AbortSignal;
}

export interface UpResult {
  readonly stacks: readonly StackOutcome[];
  /** Resources that were created, changed or removed; 0 when all was as wished. */
  readonly changed: number;
  /** One for each hypervisor that could not be done; the others were. */
  readonly errors: readonly OlympusError[];
  /** Machines that are not up. */
  readonly failed: readonly string[];
}

/** Stacks worked on at once: each takes two processes of Pulumi and two of the provider. */
export const sideBySide = 3;

/** Brings the machines of hypervisors up, side by side. A dead hypervisor is an error in the result, and stops no other. */
export async function bringUp(options: UpOptions): Promise<UpResult> {
  const { team } = options;
  const names = options.hypervisors ?? team.hypervisors.map(({ name }) => name);
  await ensureImages(options, names);
  const queue = createQueue(sideBySide);
  const work = async (step: Step): Promise<UpResult> => {
    const onProgress = (what: string): void => {
      step.update(what);
      options.reporter.event({ type: "progress", what });
    };
    const stacks = await Promise.all(
      names.map((hypervisor) => queue(() => upOne({ ...options, hypervisor, action: "up", onProgress }, options.only))),
    );
    return resultOf(team, stacks);
  };
  if (options.step !== undefined) return work(options.step);
  return withStep(options.reporter, "machines", async (step) => {
    const value = await work(step);
    return { value, summary: value.changed === 0 ? "as they were" : plural(value.changed, "change") };
  });
}

/** One stack, until all of its machines are ready and their data disks as large as they are to be. */
async function upOne(run: StackRun, only: readonly string[] | undefined): Promise<StackOutcome> {
  const here = run.team.machines.filter(({ hypervisor }) => hypervisor === run.hypervisor).map(({ name }) => name);
  if (only !== undefined && here.some((name) => !only.includes(name))) {
    const preview = await runStack({ ...run, action: "preview" });
    const others = othersError(run.hypervisor, preview.changes, only);
    const error = preview.error ?? others;
    // What was asked for was not done either.
    if (error !== undefined)
      return { ...preview, changed: 0, error, failed: here.filter((name) => only.includes(name)) };
  }
  const outcome = await runStack(run);
  if (outcome.error !== undefined) return outcome;
  const options = { ...run, signal: run.signal ?? new AbortController().signal };
  const { wrong, behind } = await awaitStanding(options);
  const stands = (name: string): boolean => !wrong.some(({ machine }) => machine === name);
  const growing = outcome.growing.filter(({ machine }) => stands(machine.name));
  const { changes, failures } = await growDataDisks(options, growing, behind);
  const failed = [...wrong, ...failures];
  return { ...withChanges(outcome, changes), failed: failed.map(({ machine }) => machine), error: failed[0]?.error };
}

const stopping: readonly MachineChange["kind"][] = ["restart", "rebuild", "remove"];

/** Pure. E-OTHERS when machines would be stopped that were not named; undefined when none would. */
export function othersError(
  hypervisor: string,
  changes: readonly MachineChange[],
  only: readonly string[],
): OlympusError | undefined {
  const others = changes.filter(({ machine, kind }) => !only.includes(machine) && stopping.includes(kind));
  if (others.length === 0) return undefined;
  const list = others.map(({ kind, machine }) => `${kind} ${machine}`).join(", ");
  return new OlympusError(`${hypervisor} waits for more than was asked for: ${list}`, {
    code: "E-OTHERS",
    exit: exitCodes.usage,
    where: hypervisor,
    hint: `Nothing was changed there. All of it: npx olympus up ${hypervisor} (npx olympus preview ${hypervisor} shows it first); or take the change out of the team file.`,
  });
}

/** Images that the machines of these hypervisors need, made before any hypervisor is asked for anything. */
export async function ensureImages(options: UpOptions, hypervisors: readonly string[]): Promise<void> {
  const wanted = options.team.machines.filter(({ hypervisor }) => hypervisors.includes(hypervisor));
  for (const image of new Set(wanted.map((machine) => machine.image))) {
    await ensureImage(image, { reporter: options.reporter, signal: options.signal });
  }
}

/** Pure. */
function resultOf(team: LoadedTeam, stacks: readonly StackOutcome[]): UpResult {
  const failed = new Set(stacks.flatMap((stack) => stack.failed));
  return {
    stacks,
    changed: stacks.reduce((sum, { changed }) => sum + changed, 0),
    errors: stacks.flatMap(({ error }) => error ?? []),
    failed: team.machines.map(({ name }) => name).filter((name) => failed.has(name)),
  };
}
