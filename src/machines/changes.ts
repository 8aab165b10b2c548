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

/** Worst news first. */
const order: readonly MachineChange["kind"][] = ["remove", "rebuild", "restart", "create", "start", "update"];

/** Pure. Pulumi's steps as changes of machines; steps that change nothing are left out. */
export function changesOf(steps: readonly Step[]): MachineChange[] {
  const newRoots = new Set(
    steps.filter((step) => step.op === "create" && isVolume(step, "root")).map((step) => machineOf(step)),
  );
  const newSeeds = new Set(
    steps.filter((step) => step.op === "create" && isVolume(step, "seed")).map((step) => machineOf(step)),
  );
  const changes = new Map<string, MachineChange>();
  for (const step of steps) {
    if (step.type !== domainType) continue;
    const machine = nameOf(step.urn);
    const kind = kindOf(step, newRoots.has(machine));
    // A replacement comes as three steps; the one that only deletes does not know what comes after.
    if (kind === undefined || changes.has(machine) || step.op === "delete-replaced") continue;
    changes.set(machine, { machine, kind, detail: detailOf(kind, step, newSeeds.has(machine)) });
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

function detailOf(kind: MachineChange["kind"], step: Step, newSeed: boolean): string {
  const next = step.new ?? {};
  const what = `${size(next.memory)}, ${String(next.vcpu)} vCPU`;
  switch (kind) {
    case "create":
      return what;
    case "remove":
      return "data disk stays";
    case "rebuild":
      return "new root disk, shut down in order; data kept";
    case "restart": {
      const reasons = differences(step);
      if (newSeed) reasons.push("new first-boot settings");
      return `${reasons.length === 0 ? "settings of the machine" : reasons.join(", ")}; shut down in order; root kept, data kept`;
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

/** Whole gigabytes as such, anything else exactly: a preview and a team file should show the same figure. */
function size(mebibytes: unknown): string {
  const value = Number(mebibytes);
  return value % 1024 === 0 ? `${value / 1024} GB` : `${value} MB`;
}

function grown(before: unknown, after: unknown): string {
  const whole = Number(before) % 1024 === 0 && Number(after) % 1024 === 0;
  return whole ? `${Number(before) / 1024} -> ${Number(after) / 1024} GB` : `${Number(before)} -> ${Number(after)} MB`;
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/** Volumes are named `<machine>-<part>-<hash>`. */
function isVolume(step: Step, part: "root" | "seed"): boolean {
  return step.type === "libvirt:index/volume:Volume" && new RegExp(`-${part}-[0-9a-f]+$`).test(nameOf(step.urn));
}

function machineOf(step: Step): string {
  return nameOf(step.urn).replace(/-(root|seed)-[0-9a-f]+$/, "");
}
