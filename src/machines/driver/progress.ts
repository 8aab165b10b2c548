import { type EngineEvent, isDomain, isVolume, machineOfUrn, nameOfUrn, type StepMetadata } from "./events.ts";

/** What was seen of one stack's run so far. */
export interface Progress {
  /** Machines whose domain is in the state as wished. */
  readonly finished: Set<string>;
  /** Machines that an error was about. */
  readonly broken: Set<string>;
  /** Errors in the order they came, with the machine that each is about where it is about one. */
  readonly errors: { readonly machine: string | undefined; readonly message: string }[];
  /** Resources created, updated, replaced or deleted. */
  changed: number;
}

/** Operations that leave everything as it is; what `refresh` finds out belongs to the state only. */
export const nothing: ReadonlySet<string> = new Set(["same", "read", "refresh"]);

/** Begins the lines that stacks/ writes for people. */
const told = /\[olympus\] (.+)/;

export function newProgress(): Progress {
  return { finished: new Set(), broken: new Set(), errors: [], changed: 0 };
}

/** Takes one event in and gives what a person should read about it now: "athena: booting". Pure but for `run`. */
export function takeEvent(run: Progress, event: EngineEvent, machines: readonly string[]): string | undefined {
  const { diagnosticEvent, resourcePreEvent, resOutputsEvent, resOpFailedEvent, summaryEvent } = event;
  if (diagnosticEvent !== undefined) {
    const { urn = "", message, severity } = diagnosticEvent;
    const machine = urn === "" ? undefined : machineOfUrn(urn, machines);
    if (severity === "error") {
      run.errors.push({ machine, message: message.trim() });
      if (machine !== undefined) run.broken.add(machine);
      return undefined;
    }
    // What hooks and the program tell: "[olympus] athena: waiting for SSH".
    return told.exec(message)?.[1]?.trim();
  }
  if (resOutputsEvent !== undefined) {
    const { type, op, urn } = resOutputsEvent.metadata;
    const machine = machineOf(resOutputsEvent.metadata, machines);
    if (isDomain(type) && machine !== undefined && !op.startsWith("delete")) run.finished.add(machine);
    return isDomain(type) && op.startsWith("create") ? `${machine ?? nameOfUrn(urn)}: up` : undefined;
  }
  if (resOpFailedEvent !== undefined) {
    const machine = machineOf(resOpFailedEvent.metadata, machines);
    if (machine !== undefined) run.broken.add(machine);
    return undefined;
  }
  if (summaryEvent !== undefined) {
    run.changed = Object.entries(summaryEvent.resourceChanges ?? {})
      .filter(([op]) => !nothing.has(op))
      .reduce((sum, [, count]) => sum + count, 0);
    return undefined;
  }
  return resourcePreEvent === undefined ? undefined : beginning(resourcePreEvent.metadata, machines);
}

function beginning(step: StepMetadata, machines: readonly string[]): string | undefined {
  const { op, type, urn } = step;
  if (nothing.has(op) || op === "replace") return undefined;
  const machine = machineOf(step, machines);
  if (isDomain(type)) {
    const name = machine ?? nameOfUrn(urn);
    if (op.startsWith("create")) return `${name}: booting`;
    if (op.startsWith("delete")) return `${name}: shutting down`;
    return `${name}: changing`;
  }
  if (isVolume(type)) {
    const what = machine === undefined ? `image ${nameOfUrn(urn)}` : `${machine}: disks`;
    return op.startsWith("delete") ? `${what}, removing` : what;
  }
  return undefined;
}

function machineOf(step: StepMetadata, machines: readonly string[]): string | undefined {
  return machineOfUrn(step.urn, machines, (step.new ?? step.old)?.parent);
}
