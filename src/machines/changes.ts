/** What happens to one machine, or to what it stands on, in the words that previews and applies share. */
export interface MachineChange {
  readonly machine: string;
  readonly kind: "create" | "restart" | "rebuild" | "start" | "update" | "remove";
  /** For people: `memory 8 -> 12 GB; root kept, data kept`. */
  readonly detail: string;
}

/** A step of Pulumi's, reduced to what decides. */
export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old?: Readonly<Record<string, unknown>>;
  readonly new?: Readonly<Record<string, unknown>>;
  readonly diffs?: readonly string[];
}

const domainType = "libvirt:index/domain:Domain";
const replacing = new Set(["replace", "create-replacement", "delete-replaced"]);
const creating = new Set(["create", "create-replacement"]);

/** Said of a machine that is there and is to lose what it has. */
export const newDataDisk = "NEW data disk";

/** Worst news first. */
const order: readonly MachineChange["kind"][] = ["remove", "rebuild", "restart", "create", "start", "update"];

/** Pure. Pulumi's steps as changes of machines; steps that change nothing are left out. */
export function changesOf(steps: readonly Step[]): MachineChange[] {
  const made = (part: Part): Set<string | undefined> =>
    new Set(steps.filter((step) => creating.has(step.op) && isVolume(step, part)).map((step) => machineOf(step)));
  const [newRoots, newSeeds, newData] = [made("root"), made("seed"), made("data")];
  const changes = new Map<string, MachineChange>();
  for (const step of steps) {
    if (step.type !== domainType) continue;
    const machine = nameOf(step.urn);
    const kind = kindOf(step, newRoots.has(machine));
    // A replacement comes as three steps; the one that only deletes does not know what comes after.
    if (kind === undefined || changes.has(machine) || step.op === "delete-replaced") continue;
    const parts = { seed: newSeeds.has(machine), data: newData.has(machine) };
    changes.set(machine, { machine, kind, detail: detailOf(kind, step, parts) });
  }
  return [...changes.values()].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function kindOf({ op, diffs = [] }: Step, newRoot: boolean): MachineChange["kind"] | undefined {
  if (op === "create") return "create";
  // A disk that is yet to be made has no path: until then Pulumi takes for an update what will be a replacement.
  if (replacing.has(op) || (op === "update" && diffs.includes("disks"))) return newRoot ? "rebuild" : "restart";
  if (op === "update") return diffs.includes("running") ? "start" : "update";
  return op === "delete" ? "remove" : undefined;
}

/** `created`: disks that are made in this run. */
function detailOf(kind: MachineChange["kind"], step: Step, created: { seed: boolean; data: boolean }): string {
  const data = created.data ? newDataDisk : "data kept";
  const next = step.new ?? {};
  const what = `${size(next.memory)}, ${String(next.vcpu)} vCPU`;
  switch (kind) {
    case "create":
      return what;
    case "remove":
      return "data disk stays";
    case "rebuild":
      return `new root disk, shut down in order; ${data}`;
    case "restart": {
      const reasons = differences(step);
      if (created.seed) reasons.push("new first-boot settings");
      return `${reasons.length === 0 ? "settings of the machine" : reasons.join(", ")}; shut down in order; root kept, ${data}`;
    }
    default:
      return differences(step).join(", ") || (step.diffs ?? []).join(", ");
  }
}

/** `memory 1 -> 1.25 GB`, `vCPU 2 -> 4`, and other settings by name. Disks follow from volumes and are told elsewhere. */
function differences({ old = {}, new: next = {} }: Step): string[] {
  const told: string[] = [];
  if (old.memory !== next.memory) told.push(`memory ${grown(old.memory, next.memory)}`);
  if (old.vcpu !== next.vcpu) told.push(`vCPU ${String(old.vcpu)} -> ${String(next.vcpu)}`);
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (["memory", "vcpu", "disks", "__defaults"].includes(key)) continue;
    if (JSON.stringify(strip(old[key])) !== JSON.stringify(strip(next[key]))) told.push(key);
  }
  return told;
}

/** Pulumi notes which values are defaults; that is no difference. */
function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "__defaults")
      .map(([key, inner]) => [key, strip(inner)]),
  );
}

/** Pure. A data disk that grows, which Pulumi is not asked for. */
export function growthOf(machine: string, from: number, to: number): MachineChange {
  return { machine, kind: "update", detail: `data ${grown(from, to)}` };
}

/** Whole gigabytes as such, anything else exactly: a preview and a team file should show the same figure. */
function size(mebibytes: unknown): string {
  const value = Number(mebibytes);
  return value % 1024 === 0 ? `${value / 1024} GB` : `${value} MB`;
}

function grown(before: unknown, after: unknown): string {
  const whole = Number(before) % 1024 === 0 && Number(after) % 1024 === 0;
  return whole ? `${Number(before) / 1024} -> ${Number(after) / 1024} GB` : `${Number(before)} -> ${Number(after)} MB`;
}

/** The name of a resource. */
export function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

type Part = "root" | "seed" | "data";

/** Volumes are named `<machine>-<part>-<hash>`, data disks without a hash. */
const volumeName = /^(.+?)-(?:(root|seed)-[0-9a-f]+|(data))$/;

function isVolume(step: Step, part: Part): boolean {
  const [, , hashed, data] = volumeName.exec(nameOf(step.urn)) ?? [];
  return step.type === "libvirt:index/volume:Volume" && (hashed ?? data) === part;
}

function machineOf(step: Step): string | undefined {
  return volumeName.exec(nameOf(step.urn))?.[1];
}
