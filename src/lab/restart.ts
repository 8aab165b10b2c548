import { spawn } from "node:child_process";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { withFileLock } from "../base/lock.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { unknownWord } from "../team/unknown.ts";
import { findHierarchies, groupFiles } from "./cgroups.ts";
import { layout } from "./layout.ts";
import { dropCapabilities, stopMachine } from "./machine.ts";
import type { Network } from "./network.ts";
import { requireRoot } from "./preflight.ts";
import { isAlive } from "./processes.ts";
import { type LabState, type MachineRecord, readState } from "./state.ts";
import { type LabUpResult, labUp } from "./up.ts";

export interface LabMachineOptions {
  /** At the same time, as a rack that loses its power. */
  readonly names: readonly string[];
  /** Like a power cut; otherwise orderly, guests first, for at most 90 s. */
  readonly kill?: boolean;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal;
}

/** Stops lab machines. What they wrote stays; `labUp` starts them again. Throws E-UNKNOWN for an unknown name, E-LAB-DOWN when no lab is up. */
export async function labStop({ names, kill = false, reporter }: LabMachineOptions): Promise<void> {
  requireRoot("Stopping a lab machine");
  const found = await Promise.all(names.map(async (name) => ({ name, ...(await find(name)) })));
  const hierarchies = findHierarchies();
  await withFileLock(layout.lock, { waitMs: 0 }, () =>
    withStep(reporter, `stop ${names.join(", ")}`, async () => {
      await Promise.all(
        found.map(({ name, network, machine: { init } }) =>
          stopMachine(network, { name, init }, hierarchies, kill ? 0 : 90_000),
        ),
      );
      return { value: undefined, summary: kill ? "cut off" : "off" };
    }),
  );
}

/** Stops lab machines and starts them again with everything they wrote; guests with autostart come back. */
export async function labRestart(options: LabMachineOptions): Promise<LabUpResult> {
  await labStop(options);
  return labUp({ reporter: options.reporter, ...(options.signal && { signal: options.signal }) });
}

/** Runs a command as root in a lab machine, on this terminal. Gives its exit code. */
export async function labExec(name: string, command: readonly string[]): Promise<number> {
  requireRoot("Running a command in a lab machine");
  const { machine } = await find(name);
  if (!isAlive(machine.init)) throw down(`lab machine ${name} does not run`);
  const inside = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root"];
  // In the machine's groups, so that its limits hold and its end is this command's end.
  const script = 'for file in $LAB_GROUPS; do echo $$ > "$file" || exit 9; done; exec "$@"';
  const home = [
    ...dropCapabilities(),
    "env",
    "--chdir=/",
    "-i",
    "HOME=/root",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C.UTF-8",
  ];
  const argv = ["nsenter", "--target", String(machine.init.pid), ...inside, ...home];
  const child = spawn("/bin/sh", ["-c", script, "sh", ...argv, `TERM=${process.env.TERM ?? "dumb"}`, ...command], {
    stdio: "inherit",
    env: { ...process.env, LAB_GROUPS: groupFiles(findHierarchies(), layout.lab, name).join(" ") },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
}

async function find(name: string): Promise<{ state: LabState; network: Network; machine: MachineRecord }> {
  const state = await readState();
  if (state?.network === undefined || !isAlive(state.network.holder)) throw down("the lab is not up");
  const machine = state.machines[name];
  if (machine !== undefined) return { state, network: state.network, machine };
  throw unknownWord("lab machine", name, Object.keys(state.machines));
}

function down(message: string): OlympusError {
  return new OlympusError(message, { code: "E-LAB-DOWN", exit: exitCodes.usage, hint: "npx olympus lab up" });
}
