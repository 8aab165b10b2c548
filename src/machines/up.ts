import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../base/errors.ts";
import type { Reporter, Step } from "../base/report.ts";
import { createQueue } from "../ssh/queue.ts";
import type { LoadedTeam } from "../team/model.ts";
import { explainFault } from "./faults.ts";
import { newStackRun, type StackRun, takeEvent } from "./progress.ts";
import { logOf, openStacks, runStack, type StackContext } from "./stack.ts";

export interface UpOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Names; one stack each. */
  readonly hypervisors: readonly string[];
  readonly reporter: Reporter;
  /** Told what happens now: "athena: booting". */
  readonly step?: Step;
  readonly signal: AbortSignal;
  /** Folder with Pulumi.yaml; the project's own unless given. */
  readonly root?: string;
}

export interface UpResult {
  /** Resources created, updated, replaced or deleted; 0 when everything was as wished. */
  readonly changed: number;
  /** Machines that are not up. */
  readonly failed: string[];
  readonly errors: OlympusError[];
  /** Resources changed on each hypervisor that was worked on. */
  readonly byHypervisor: Readonly<Record<string, number>>;
}

/** Hypervisors worked on at once: each takes two processes of Pulumi and one of the provider. */
const sideBySide = 3;

/**
 * Makes the machines of these hypervisors as the team file wishes, one Pulumi stack each, side by side.
 * What fails on one does not keep the others from being worked on: its machines are in `failed`, its reasons in `errors`.
 * Throws only for what concerns all: tools or secrets that are missing, and when interrupted.
 */
export async function bringUp(options: UpOptions): Promise<UpResult> {
  const { team, step, signal } = options;
  const context = openStacks(options);
  await images(options);
  const queue = createQueue(sideBySide);
  const results = await Promise.all(
    options.hypervisors.map((name) => queue(() => upOne(context, name, (detail) => step?.update(detail)))),
  );
  signal.throwIfAborted();
  return {
    changed: results.reduce((sum, { changed }) => sum + changed, 0),
    failed: team.machines.map(({ name }) => name).filter((name) => results.some(({ failed }) => failed.includes(name))),
    errors: results.flatMap(({ errors }) => errors),
    byHypervisor: Object.fromEntries(results.map(({ hypervisor, changed }) => [hypervisor, changed])),
  };
}

/** Builds or fetches the images that these machines stand on; those at hand take a few milliseconds. */
async function images({ team, hypervisors, reporter, step, signal }: UpOptions): Promise<void> {
  const wanted = team.machines.filter((machine) => hypervisors.includes(machine.hypervisor)).map(({ image }) => image);
  const { ensureImage } = await import("../images/index.ts");
  for (const image of new Set(wanted)) {
    step?.update(`image ${image}`);
    await ensureImage(image, { reporter, signal });
  }
}

interface OneResult {
  readonly hypervisor: string;
  readonly changed: number;
  readonly failed: readonly string[];
  readonly errors: readonly OlympusError[];
}

async function upOne(context: StackContext, hypervisor: string, tell: (detail: string) => void): Promise<OneResult> {
  const machines = context.team.machines.filter((machine) => machine.hypervisor === hypervisor).map(({ name }) => name);
  const run = newStackRun();
  tell(`${hypervisor}: looking`);
  try {
    const { code, stderr } = await runStack(
      context,
      hypervisor,
      ["up", "--yes", "--skip-preview", "--continue-on-error"],
      (event) => {
        const detail = takeEvent(run, event, machines);
        if (detail === undefined) return;
        tell(detail);
        context.reporter.event({ type: "machine", hypervisor, detail });
      },
    );
    context.signal.throwIfAborted();
    if (code === 0) return { hypervisor, changed: run.changed, failed: [], errors: [] };
    return {
      hypervisor,
      changed: run.changed,
      failed: machines.filter((name) => !run.finished.has(name) || run.broken.has(name)),
      errors: errorsOf(context, hypervisor, run, stderr),
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof OlympusError)) throw error;
    return { hypervisor, changed: run.changed, failed: machines, errors: [error] };
  }
}

/** The reasons for a stack's failure, each once; summaries such as "update failed" only when nothing else was said. */
export function errorsOf(context: StackContext, hypervisor: string, run: StackRun, stderr: string): OlympusError[] {
  const log = logOf(context.team, hypervisor);
  // The program tells its own errors whole, and once more in Pulumi's words.
  const own = run.errors.filter(({ message }) => message.includes("[olympus-error]"));
  const said =
    own.length > 0
      ? own
      : run.errors.filter(({ message }) => !/^(error: )?(update|preview|destroy|resource .*) failed$/i.test(message));
  const faults =
    said.length > 0 ? said : [{ machine: undefined, message: stderr.trim() || (run.errors[0]?.message ?? "") }];
  const errors = new Map<string, OlympusError>();
  for (const { machine, message } of faults) {
    const error = explainFault({ hypervisor, machine, text: message, log });
    if (!errors.has(error.message)) errors.set(error.message, error);
  }
  return [...errors.values()];
}
