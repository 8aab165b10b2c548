import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SecretStore } from "../../secrets/store.ts";
import { asOlympusError, OlympusError, worstExit } from "../base/errors.ts";
import { ownFolder } from "../base/own-folder.ts";
import type { Reporter } from "../base/report.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { LoadedTeam, NamedHypervisor } from "../team/model.ts";
import { changesOf, type MachineChange, type Step } from "./changes.ts";
import { askOthers, checkDataDisks, type Growth } from "./data-disks.ts";
import type { EngineEvent } from "./driver/events.ts";
import { explainFault } from "./driver/faults.ts";
import { newProgress, type Progress, takeEvent } from "./driver/progress.ts";
import { logOf, openSession, runVerb, type StackSession } from "./driver/session.ts";
import { sshTargetOf } from "./find.ts";
import { stateOwner } from "./owner.ts";
import { preflight } from "./preflight.ts";
import { privateFolder, releasePrivateFiles, writePrivateFiles } from "./private-files.ts";
import { findHypervisor } from "./spec.ts";
import { readStackState } from "./state.ts";
import { sweepPrivateFiles } from "./sweep.ts";
import { takeTold, toldVariable } from "./told.ts";

export interface StackRun {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly hypervisor: string;
  readonly action: "up" | "preview" | "destroy";
  /** Only these machines; for destroy. */
  readonly machines?: readonly string[] | undefined;
  readonly reporter?: Reporter | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `athena: booting` and the like. */
  readonly onProgress?: (what: string) => void;
  /** Folder with Pulumi.yaml; the project's own unless given. */
  readonly root?: string;
}

export interface StackOutcome {
  readonly hypervisor: string;
  readonly changes: readonly MachineChange[];
  /** Data disks that the team file wants larger, which `bringUp` does when the machines stand. */
  readonly growing: readonly Growth[];
  /** Every step that is no `same`, for `--diff`. */
  readonly steps: readonly Step[];
  /** Resources that were (or would be) created, changed or removed. */
  readonly changed: number;
  /** Machines that are not as wished; empty without an error. */
  readonly failed: readonly string[];
  readonly error: OlympusError | undefined;
}

const verbs: Readonly<Record<StackRun["action"], readonly string[]>> = {
  // What one machine's failure has to do with another: nothing.
  up: ["up", "--yes", "--skip-preview", "--refresh", "--continue-on-error"],
  preview: ["preview", "--refresh"],
  destroy: ["destroy", "--yes", "--skip-preview", "--refresh", "--continue-on-error"],
};

/**
 * Runs one stack with the program that a plain `pulumi` runs. Errors are part of the outcome; it throws only when it is interrupted.
 */
export async function runStack(run: StackRun): Promise<StackOutcome> {
  const { team, hypervisor, signal = new AbortController().signal } = run;
  const machines = team.machines.filter((machine) => machine.hypervisor === hypervisor).map(({ name }) => name);
  const told = join(ownFolder(), `told-${hypervisor}`);
  // The provider does not take its sockets away: they would gather in everybody's folder for temporary files.
  const sockets = mkdtempSync(join(ownFolder(), "sockets-"));
  let progress = newProgress();
  let steps: Step[] = [];
  let growing: readonly Growth[] = [];
  const outcome = (error: OlympusError | undefined): StackOutcome => ({
    hypervisor,
    changes: changesOf(steps),
    growing,
    steps,
    changed: progress.changed,
    failed:
      error === undefined ? [] : machines.filter((name) => !progress.finished.has(name) || progress.broken.has(name)),
    error,
  });
  try {
    sweepPrivateFiles();
    const session = openSession({ ...run, signal, env: { [toldVariable]: told, PLUGIN_UNIX_SOCKET_DIR: sockets } });
    run.onProgress?.(`${hypervisor}: looking`);
    // A refresh and a destroy connect before the program has been asked for anything.
    const known = findHypervisor(team, hypervisor);
    if (known !== undefined) {
      if (run.action !== "destroy") growing = await lookFirst(run, known, session);
      writePrivateFiles(privateFolder(team, hypervisor), sshTargetOf(team, run.secrets, known.name), []);
    }
    const words = verbs[run.action];
    const diskless = new Set<string>();
    const attempt = (tried: readonly string[]): ReturnType<typeof runVerb> => {
      const onEvent = (event: EngineEvent, end: () => void): void => {
        const urn = disklessIn(event);
        if (urn !== undefined) diskless.add(urn);
        // Pulumi itself would wait for ever: its refresh has failed, and the program's first answer never comes.
        const failed = urn !== undefined || event.resOpFailedEvent?.metadata.op === "refresh";
        if (failed && tried.includes("--refresh")) end();
        keepStep(event, steps);
        const what = takeEvent(progress, event, machines);
        if (what === undefined) return;
        if (event.diagnosticEvent?.severity === "warning") run.reporter?.warn(what);
        else run.onProgress?.(what);
      };
      return runVerb(session, hypervisor, { words: tried, machines: run.machines, onEvent });
    };
    let { code, stderr } = await attempt(words);
    signal.throwIfAborted();
    if (code !== 0 && diskless.size > 0) {
      // The provider cannot read a domain whose disk is gone: the state is believed, and the domain made anew.
      progress = newProgress();
      steps = [];
      takeTold(told);
      const anew = run.action === "destroy" ? [] : [...diskless].flatMap((urn) => ["--replace", urn]);
      ({ code, stderr } = await attempt([...words.filter((word) => word !== "--refresh"), ...anew]));
      signal.throwIfAborted();
    }
    const errors = takeTold(told);
    // What a hook throws after a creation is no more than a warning to Pulumi.
    for (const { where } of errors) {
      const machine = machines.find((name) => where === name || where?.startsWith(`${name} on `));
      if (machine !== undefined) progress.broken.add(machine);
    }
    return outcome(
      code === 0 && errors.length === 0 ? undefined : faultOf(session, hypervisor, errors, progress, stderr),
    );
  } catch (error) {
    signal.throwIfAborted();
    return outcome(asOlympusError(error, hypervisor));
  } finally {
    takeTold(told);
    rmSync(sockets, { recursive: true, force: true });
    releasePrivateFiles(privateFolder(team, hypervisor));
  }
}

/** Whatever must be right before Pulumi looks: its refresh forgets what is gone, and its run then makes that anew. */
async function lookFirst(run: StackRun, hypervisor: NamedHypervisor, session: StackSession): Promise<Growth[]> {
  const { team, secrets, reporter, signal } = run;
  const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
  try {
    const owner = stateOwner(team.name, session.env.PULUMI_BACKEND_URL);
    return await checkDataDisks({
      team,
      hypervisor,
      connection,
      inventory: await preflight({ connection, team: team.name, hypervisor, owner }),
      stateOf: (stack) => readStackState(stack, session.env),
      volumesOn: askOthers(team, secrets, signal),
      warn: (what) => reporter?.warn(what),
    });
  } finally {
    connection.close();
  }
}

/** Pure. An outcome with more that was, or would be, done. */
export function withChanges(outcome: StackOutcome, more: readonly MachineChange[]): StackOutcome {
  return { ...outcome, changes: [...outcome.changes, ...more], changed: outcome.changed + more.length };
}

/** A domain that could not be read back because a disk of it is gone. No other failure may lead to anything being replaced. */
export function disklessIn({ diagnosticEvent }: EngineEvent): string | undefined {
  const { urn = "", message = "" } = diagnosticEvent ?? {};
  const gone = /error retrieving volume for disk.*(not found|no storage vol)/is.test(message);
  return gone && urn.includes("libvirt:index/domain:Domain::") ? urn : undefined;
}

function keepStep({ resourcePreEvent }: EngineEvent, steps: Step[]): void {
  const step = resourcePreEvent?.metadata;
  if (step === undefined || step.op === "same" || step.op === "refresh") return;
  steps.push({
    op: step.op,
    urn: step.urn,
    type: step.type,
    old: step.old?.inputs ?? {},
    new: step.new?.inputs ?? {},
    diffs: step.diffs ?? [],
  });
}

/** What Pulumi says when something else was said before. */
const echo =
  /^(error: )?(update|preview|destroy|resource .*) failed$|failed to register$|^Unhandled exception: Error: resource /im;

/** One error for a stack: what the program told of itself, else what Pulumi said, the rest counted and in the log. */
function faultOf(
  session: StackSession,
  hypervisor: string,
  told: readonly OlympusError[],
  progress: Progress,
  stderr: string,
): OlympusError {
  const log = logOf(session.team, hypervisor);
  const said = progress.errors.filter(({ message }) => !echo.test(message));
  const faults =
    said.length > 0 ? said : [{ machine: undefined, message: stderr.trim() || (progress.errors[0]?.message ?? "") }];
  const errors =
    told.length > 0
      ? told
      : faults.map(({ machine, message }) => explainFault({ hypervisor, machine, text: message, log }));
  const [first] = errors;
  const messages = [...new Set(errors.map(({ message }) => message))];
  if (messages.length === 1 && first !== undefined) return first;
  return new OlympusError(messages.join("\n"), {
    code: first?.code ?? "E-PULUMI",
    exit: worstExit(errors.map(({ exit }) => exit)),
    where: hypervisor,
    hint: [...new Set(errors.map(({ hint }) => hint).filter((hint) => hint !== undefined))].join("\n"),
  });
}
