import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OlympusError } from "../base/errors.ts";
import { standOnCache } from "./cache-users.ts";
import { clearGroups, type Hierarchies, makeGroups } from "./cgroups.ts";
import { ensureHostKey, type Identity, writeIdentity } from "./identity.ts";
import { type Network, plug, unplug } from "./network.ts";
import { identify, isAlive, type ProcessId, signalProcess, waitFor } from "./processes.ts";
import { spawnDetached } from "./spawn.ts";

export interface MachineSpec {
  readonly name: string;
  readonly address: string;
  /** Root folders to stand on, topmost first; never written to. */
  readonly roots: readonly string[];
  /** Folder of the machine: what it writes (upper), its key, its log. Kept when it stops. */
  readonly dir: string;
  /** Login with sudo NOPASSWD. */
  readonly user: string;
  readonly authorizedKeys: readonly string[];
  /** MiB; a limit, not a reservation. */
  readonly memory: number;
  readonly domain?: string;
  /** Bridge to put the address on, for a hypervisor. */
  readonly bridge?: string;
  /** Device nodes under /dev beside the usual ones: `net/tun`. */
  readonly devices?: readonly { readonly node: string; readonly rule: string }[];
  /** Folders of the machine kept beside the overlay, directly on the disk: `var/lib/libvirt/images`. */
  readonly disks?: readonly string[];
  readonly groups?: readonly string[];
  readonly files?: Identity["files"];
  readonly links?: Identity["links"];
}

/** A running lab machine. Logging in: `user`@`address`, port 22, `hostKey` pinned. */
export interface LabMachine {
  readonly name: string;
  readonly address: string;
  readonly user: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** Its first process (systemd), by the host's numbering. */
  readonly init: ProcessId;
  readonly dir: string;
}

/** Half a second on an idle computer; a busy one with two cores has been seen to take half a minute. */
const sshDeadlineMs = 120_000;

const initScript = join(dirname(fileURLToPath(import.meta.url)), "machine-init.sh");

/**
 * Starts a machine in `network`, half a second to its SSH. Its folder may be new or from an earlier run.
 * Throws E-LAB-START when it does not come up; then nothing of it runs any more.
 */
export async function startMachine(
  network: Network,
  spec: MachineSpec,
  hierarchies: Hierarchies,
  signal?: AbortSignal,
): Promise<LabMachine> {
  await standOnCache(network.lab);
  for (const folder of ["upper", "work", "root", "disk"]) await mkdir(join(spec.dir, folder), { recursive: true });
  const hostKey = await ensureHostKey(spec.dir, spec.name);
  await writeIdentity(spec.dir, spec.roots, {
    name: spec.name,
    address: spec.address,
    gateway: network.gateway,
    domain: spec.domain ?? "internal",
    user: spec.user,
    groups: spec.groups ?? [],
    authorizedKeys: spec.authorizedKeys,
    ...(spec.files && { files: spec.files }),
    ...(spec.links && { links: spec.links }),
  });
  const devices = spec.devices ?? [];
  const groups = await makeGroups(hierarchies, network.lab, spec.name, {
    memory: spec.memory,
    pids: 8192,
    devices: devices.map((device) => device.rule),
  });
  const log = join(spec.dir, "init.log");
  try {
    const unshare = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child"];
    const started = await spawnDetached([...unshare, "sh", initScript], {
      groups,
      log,
      ...(network.endsWithUs && { endsWithUs: true }),
      env: {
        LAB_DIR: spec.dir,
        LAB_LOWER: await linkRoots(spec),
        LAB_NAME: spec.name,
        LAB_DROP: dropCapabilities().join(" "),
        LAB_DEVICES: devices.map((device) => device.node).join(" "),
        LAB_BINDS: (spec.disks ?? []).join(" "),
        LAB_CGROUP: String(hierarchies.version),
        LAB_CONTROLLERS: mountOptions(hierarchies).join(" "),
      },
    });
    const init = identify(Number(/^ready (\d+)$/.exec(started.line)?.[1]));
    if (init === undefined) throw startError(spec, log, `said "${started.line}"`);
    await plug(network, { ...spec, pid: init.pid });
    started.go();
    const answered = await waitFor(
      async () => (isAlive(init) ? (await answersSsh(spec.address)) || undefined : false),
      sshDeadlineMs,
      25,
      signal,
    );
    if (answered !== true) {
      throw startError(spec, log, answered === false ? "ended while starting" : "did not answer on port 22 in time");
    }
    return { name: spec.name, address: spec.address, user: spec.user, hostKey, init, dir: spec.dir };
  } catch (error) {
    await clearGroups(hierarchies, network.lab, spec.name);
    throw error;
  }
}

/**
 * Stops a machine: orderly by its own systemd, at once after `graceMs` (0 for at once, like a power cut).
 * What it wrote stays in its folder. Stopping a machine that does not run is fine.
 */
export async function stopMachine(
  network: Network,
  machine: Pick<LabMachine, "name" | "init">,
  hierarchies: Hierarchies,
  graceMs = 0,
): Promise<void> {
  if (graceMs > 0 && isAlive(machine.init)) {
    signalProcess(machine.init, powerOff);
    await waitFor(() => (isAlive(machine.init) ? undefined : true), graceMs, 50);
  }
  await clearGroups(hierarchies, network.lab, machine.name);
  if (isAlive(network.holder)) await unplug(network, machine.name);
}

/** What would reach past a machine into the host: its clock, modules, hardware, log. `sudo` in a machine cannot get it back. */
export function dropCapabilities(): string[] {
  const dropped = ["sys_time", "sys_module", "sys_rawio", "syslog", "wake_alarm", "audit_control"]
    .map((name) => `-${name}`)
    .join(",");
  return ["setpriv", `--bounding-set=${dropped}`, `--inh-caps=${dropped}`];
}

/** SIGRTMIN+4: systemd's "power off". */
const powerOff = 38;

/** Links to the roots inside the machine's folder, so that the overlay's options hold no foreign path. Gives the lowerdir option. */
async function linkRoots(spec: MachineSpec): Promise<string> {
  const { rm, symlink } = await import("node:fs/promises");
  const names: string[] = [];
  for (const [at, root] of spec.roots.entries()) {
    if (!existsSync(root)) {
      throw new OlympusError(`the Debian root that ${spec.name} stands on is gone`, {
        code: "E-LAB-BASE",
        where: root,
        hint: "npx olympus lab down --purge removes the machine with its disks; lab up then makes both anew",
      });
    }
    await rm(join(spec.dir, `lower${at}`), { force: true });
    await symlink(root, join(spec.dir, `lower${at}`));
    names.push(`lower${at}`);
  }
  return names.join(":");
}

/** Mount options of each version 1 hierarchy: `cpu,cpuacct` where the host mounts them together. */
function mountOptions(hierarchies: Hierarchies): string[] {
  const byMount = new Map<string, string[]>();
  for (const [name, mount] of Object.entries(hierarchies.controllers)) {
    byMount.set(mount, [...(byMount.get(mount) ?? []), name]);
  }
  return [...byMount.values()].map((names) => names.join(","));
}

function startError(spec: MachineSpec, log: string, why: string): OlympusError {
  return new OlympusError(`lab machine ${spec.name} ${why}`, {
    code: "E-LAB-START",
    where: log,
    hint: "The log says why; the same command tries again.",
  });
}

/** Whether an SSH server greets at the address. */
export function answersSsh(address: string, port = 22): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 1_000 });
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once("data", (data) => end(data.toString("latin1").startsWith("SSH-")));
    socket
      .once("error", () => end(false))
      .once("timeout", () => end(false))
      .once("close", () => end(false));
  });
}
