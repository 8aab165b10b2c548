import { existsSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { isWritable } from "../base/writable.ts";
import type { LoadedTeam } from "../team/model.ts";
import { findHierarchies, groupPids, type Hierarchies } from "./cgroups.ts";
import { layout } from "./layout.ts";
import { networkObstacles } from "./links.ts";
import { portObstacles } from "./ports.ts";
import { guestSources } from "./root.ts";
import { tryRun } from "./sh.ts";

/**
 * Whatever would keep the lab of a team file from coming up here, all at once, looked for without changing anything; empty when
 * nothing is in the way. What this project's own lab holds is not; while it is `standing`, only its ports can still be.
 */
export async function labObstacles(team: LoadedTeam, standing: boolean): Promise<OlympusError[]> {
  const hierarchies = findHierarchies();
  const ports = portObstacles(team, await groupPids(hierarchies, layout.lab));
  if (standing) return ports;
  const found = await Promise.all([
    isolationObstacles(hierarchies),
    diskObstacles(layout.dir),
    kvmObstacles(team),
    networkObstacles(team),
    ports,
    sourcesObstacles(team),
  ]);
  return found.flat();
}

/** E-LAB-ISOLATION where namespaces, control groups or the tunnel device are kept from us, as in most containers. */
async function isolationObstacles(hierarchies: Hierarchies): Promise<OlympusError[]> {
  const kinds = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--mount-proc"];
  const { code, stderr } = await tryRun("unshare", [...kinds, "true"]);
  const closed = [hierarchies.main, ...Object.values(hierarchies.controllers)].find((folder) => !isWritable(folder));
  const why = [
    ...(code === 0 ? [] : [`namespaces cannot be made (${stderr.trim().split("\n")[0]})`]),
    ...(closed === undefined ? [] : [`control groups cannot be made in ${closed}`]),
    ...(existsSync("/dev/net/tun") ? [] : ["there is no /dev/net/tun (modprobe tun)"]),
  ];
  if (why.length === 0) return [];
  return [
    new OlympusError(`lab machines cannot be kept apart here: ${why.join("; ")}`, {
      code: "E-LAB-ISOLATION",
      exit: exitCodes.usage,
      hint: "Use a whole machine or a VM. In a container it takes one that may do all this (--privileged, and a volume for OLYMPUS_STATE).",
    }),
  ];
}

/** E-LAB-DISK when the disk is nearly full, E-LAB-OVERLAY where machines could not keep what they write. The folder need not exist yet. */
export async function diskObstacles(dir: string): Promise<OlympusError[]> {
  let there = dir;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize, type } = await statfs(there);
  const free = Math.round((Number(bavail) * Number(bsize)) / 2 ** 30);
  const found: OlympusError[] = [];
  if (free < 4) {
    found.push(
      new OlympusError(`${free} GB are free where the lab keeps its machines; it needs 4, and VMs more`, {
        code: "E-LAB-DISK",
        exit: exitCodes.usage,
        where: dir,
        hint: "Make room, or set OLYMPUS_STATE to a folder on another disk.",
      }),
    );
  }
  const overlayfs = 0x794c7630;
  if (type === overlayfs && readFileSync("/proc/filesystems", "utf8").includes("overlay")) {
    found.push(
      new OlympusError("the lab's folder is itself on an overlay (a container?), and overlays cannot be stacked", {
        code: "E-LAB-OVERLAY",
        exit: exitCodes.usage,
        where: dir,
        hint: "Set OLYMPUS_STATE to a folder on a real disk or a volume.",
      }),
    );
  }
  return found;
}

/** E-ACCEL when the team file wants KVM and this computer has none. That a guest boots under it is seen when one does. */
async function kvmObstacles(team: LoadedTeam): Promise<OlympusError[]> {
  const wanting = team.hypervisors.filter(({ accel }) => accel === "kvm").map(({ name }) => name);
  if (wanting.length === 0 || existsSync("/dev/kvm")) return [];
  return [
    new OlympusError(`${wanting.join(", ")}: the team file says accel: kvm, and this computer has no /dev/kvm`, {
      code: "E-ACCEL",
      exit: exitCodes.usage,
      where: team.file,
      hint: "Write accel: tcg (emulated, slow), or enable virtualisation in the firmware.",
    }),
  ];
}

/** E-LAB-SOURCES when there is no archive that Debian 12 could be had from. */
async function sourcesObstacles(team: LoadedTeam): Promise<OlympusError[]> {
  const { packages, gateway } = team.team.network;
  try {
    await guestSources(packages.debian, gateway);
    return [];
  } catch (error) {
    if (error instanceof OlympusError) return [error];
    throw error;
  }
}
