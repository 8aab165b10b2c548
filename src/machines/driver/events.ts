/** The part of Pulumi's engine events that Olympus reads. `pulumi up --json` prints one of them a line. */
export interface EngineEvent {
  readonly diagnosticEvent?: Diagnostic;
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata };
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
  readonly summaryEvent?: { readonly resourceChanges: Readonly<Record<string, number>> };
}

export interface Diagnostic {
  readonly urn?: string;
  readonly message: string;
  readonly severity: "debug" | "info" | "info#err" | "warning" | "error";
  readonly ephemeral?: boolean;
}

export interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old: ResourceState | null;
  readonly new: ResourceState | null;
  /** Names of the properties that differ. */
  readonly diffs?: readonly string[] | null;
}

export interface ResourceState {
  readonly urn: string;
  readonly parent: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** One line of the stream; undefined for what is no event (a warning of a plugin on stdout). */
export function parseEvent(line: string): EngineEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    // A line cut off by the end of the process says nothing that could be acted on.
    return undefined;
  }
}

/** `urn:pulumi:<stack>::<project>::<types>::<name>` */
export function nameOfUrn(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function typeOfUrn(urn: string): string {
  return (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
}

/**
 * The machine that a resource belongs to: the component above it, or the longest machine name that its own name begins with.
 * Undefined for what belongs to all: stack, provider, base image.
 */
export function machineOfUrn(urn: string, machines: readonly string[], parent?: string): string | undefined {
  if (parent !== undefined && parent !== "" && typeOfUrn(parent) !== "pulumi:pulumi:Stack") return nameOfUrn(parent);
  const name = nameOfUrn(urn);
  if (typeOfUrn(urn).startsWith("olympus:")) return name;
  return machines
    .filter((machine) => name === machine || name.startsWith(`${machine}-`))
    .sort((a, b) => b.length - a.length)[0];
}

export function isDomain(type: string): boolean {
  return type === "libvirt:index/domain:Domain";
}

export function isVolume(type: string): boolean {
  return type === "libvirt:index/volume:Volume";
}
