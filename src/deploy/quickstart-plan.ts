import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { exitCodes, OlympusError, OlympusErrors } from "../base/errors.ts";
import { mustBeFree } from "../base/lock.ts";
import { cacheDir, runtimeDir, stateRoot } from "../base/paths.ts";
import { plural } from "../base/plural.ts";
import { isWritable } from "../base/writable.ts";
import { type Beforehand, labBeforehand } from "../lab/index.ts";
import { layout } from "../lab/layout.ts";
import { type MachineFacts, machineFacts } from "../prerequisites/machine.ts";
import { debianPackages, missingPackages } from "../prerequisites/packages.ts";
import { toolchain } from "../toolchain/index.ts";
import { flowOf } from "./flow.ts";

/** What a run still has to find on this computer, GB, and about how many minutes it takes on two cores, emulated. */
export interface Needs {
  readonly memory: number;
  readonly disk: number;
  readonly minutes: number;
}

/** `scripts/quickstart` had to install these to be able to look. */
export const soFar = "beside npm packages (node_modules here, npm's cache)";

export interface QuickstartPlan {
  readonly missing: readonly string[];
  /** What is here and what would be done, for a person. */
  readonly lines: readonly string[];
  /** The team file that the lab is made of; what it was made of before unless given. */
  readonly teamFile: string | undefined;
  /** The team can show how a mention becomes merged work. */
  readonly merges: boolean;
  /** The lab stands already, whole or in part. */
  readonly standing: boolean;
  /** A person should agree first: something would be installed, built or begun that this computer does not have yet. */
  readonly asks: boolean;
}

/**
 * Looks at this computer, changes nothing, and says in words what quickstart would do.
 * Throws E-LOCKED while another quickstart works, and OlympusErrors with everything that is in the way; what is wrong with the team
 * file comes first and alone.
 */
export async function planQuickstart(teamFile?: string): Promise<QuickstartPlan> {
  await mustBeFree(layout.quickstart);
  const chosen = teamFile ?? (existsSync(layout.origin) ? undefined : layout.quickstartExample);
  const lab = await labBeforehand(chosen);
  const folders = [stateRoot(), cacheDir()].map(nearestThere);
  const facts = folders.map((folder) => machineFacts(folder)).sort((a, b) => a.freeDisk - b.freeDisk)[0]!;
  const tools = hasTools();
  const needs = stillNeeds(lab.standing, tools);
  const closed = [...new Set(folders)].filter((folder) => !isWritable(folder));
  const obstacles = [...computerObstacles(facts, needs, closed), ...lab.obstacles];
  if (obstacles.length > 0)
    throw new OlympusErrors(`quickstart cannot work here; ${soFar} nothing has been changed`, obstacles);
  const missing = await missingPackages([...debianPackages.lab, ...debianPackages.tools]);
  return {
    missing,
    lines: describe(facts, needs, missing, lab, tools),
    teamFile: chosen,
    merges: flowOf(lab.team) !== undefined,
    standing: lab.standing,
    asks: mustAsk(lab.standing, tools, missing),
  };
}

/** Pure. Whoever has a lab was asked when it was made; what would be installed or built beside it is new. */
export function mustAsk(standing: boolean, tools: boolean, missing: readonly string[]): boolean {
  return !standing || !tools || missing.length > 0;
}

/** Pure. A lab that stands has its memory and disks already; tools that are there need not be built. */
export function stillNeeds(standing: boolean, tools: boolean): Needs {
  // As measured: docs/reference/benchmarks.md.
  const minutes = tools ? 6 : 20;
  if (standing) return { memory: 0, disk: tools ? 1 : 12, minutes };
  return { memory: 7, disk: tools ? 8 : 18, minutes };
}

/** Pure: what this computer itself lacks. `closed` are folders that cannot be written to. */
export function computerObstacles(facts: MachineFacts, needs: Needs, closed: readonly string[] = []): OlympusError[] {
  const problem = (message: string, hint: string): OlympusError =>
    new OlympusError(message, { code: "E-QUICKSTART", exit: exitCodes.usage, hint });
  return [
    ...(facts.freeMemory < needs.memory
      ? [
          problem(
            `${facts.freeMemory.toFixed(1)} GB of memory are free, ${needs.memory} are needed`,
            "End what takes it, or use another computer.",
          ),
        ]
      : []),
    ...(facts.freeDisk < needs.disk
      ? [
          problem(
            `${facts.freeDisk.toFixed(0)} GB of disk are free, ${needs.disk} are needed`,
            "Make room, or set OLYMPUS_CACHE and OLYMPUS_STATE to folders on another disk.",
          ),
        ]
      : []),
    ...closed.map((folder) =>
      problem(
        `nothing can be written in ${folder}`,
        "Set OLYMPUS_CACHE and OLYMPUS_STATE to folders that can be written to.",
      ),
    ),
    ...(facts.isRoot ? [] : [problem("namespaces, mounts and bridges need root", "sudo scripts/quickstart")]),
    ...(facts.processor === "x64"
      ? []
      : [problem(`machines are made for x86-64 processors; this one is ${facts.processor}`, "Use another computer.")]),
  ];
}

function describe(
  facts: MachineFacts,
  needs: Needs,
  missing: readonly string[],
  lab: Beforehand,
  tools: boolean,
): string[] {
  const { team, standing } = lab;
  const apt =
    missing.length === 0
      ? "no Debian package is missing"
      : `apt: ${plural(missing.length, "package")} (${missing.join(" ")})`;
  const emulated = team.hypervisors.every(({ accel }) => accel === "tcg");
  const count = (amount: number, free: number): string =>
    amount === 0 ? `${free.toFixed(0)} GB free` : `${free.toFixed(0)} GB free (needs ${amount})`;
  return [
    `Olympus quickstart: ${plural(team.hypervisors.length, "lab hypervisor")}, ${plural(team.machines.length, "VM")}, Mattermost and ${plural(Object.keys(team.team.agents).length, "agent")}, on this computer`,
    `  here        ${facts.system}, ${facts.cores} cores, memory ${count(needs.memory, facts.freeMemory)}, disk ${count(needs.disk, facts.freeDisk)}${standing ? "; the lab is up and is kept" : ""}`,
    `  machines    ${emulated ? `emulated, which is slow: about ${needs.minutes} minutes on two cores${standing ? ", 20 seconds when nothing is to be done" : ""}` : "with KVM"}`,
    `  with root   ${apt}; one network of its own (${team.team.network.cidr}) in namespaces, gone after lab down`,
    `  writes      ${cacheDir()}, ${stateRoot()}, ~/.config/olympus (one key), while it works ${runtimeDir()}`,
    ...(tools
      ? []
      : ["              where tools must be built, Go's own caches too (~/go, ~/.cache/go-build, ~/.config/go)"]),
    "  untouched   firewall, sysctls, clock, other VMs",
    ...(facts.isDebian12 ? [] : [`  note        tried on Debian 12 only; this is ${facts.system}`]),
  ];
}

function hasTools(): boolean {
  try {
    toolchain();
    return true;
  } catch (error) {
    if (error instanceof OlympusError && error.code === "E-TOOLCHAIN") return false;
    throw error;
  }
}

function nearestThere(folder: string): string {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  return there;
}
