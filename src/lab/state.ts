import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { replaceFile } from "../base/durable.ts";
import { layout } from "./layout.ts";
import type { Network } from "./network.ts";
import type { ProcessId } from "./processes.ts";

/** What `lab up` made, written before and after each step. Processes are found by their control groups even without it. */
export interface LabState {
  readonly version: 1;
  /** Set from the first act until the lab is whole; a lab that was cut off in between still has it. */
  unfinished: boolean;
  network?: Network;
  machines: Record<string, MachineRecord>;
  services?: { readonly process: ProcessId; readonly settings: string };
}

export interface MachineRecord {
  readonly address: string;
  readonly user: string;
  readonly hostKey: string;
  readonly init: ProcessId;
}

/** The state of this project's lab, or undefined when there is none. */
export async function readState(): Promise<LabState | undefined> {
  try {
    return JSON.parse(await readFile(layout.state, "utf8")) as LabState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function writeState(state: LabState): Promise<void> {
  await writeWhole(layout.state, `${JSON.stringify(state, null, 2)}\n`);
}

/** Writes a file so that it is seen whole or not at all. Gives whether anything changed. */
export async function writeWhole(file: string, text: string): Promise<boolean> {
  try {
    if ((await readFile(file, "utf8")) === text) return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await mkdir(dirname(file), { recursive: true });
  await replaceFile(file, text, 0o600);
  return true;
}
