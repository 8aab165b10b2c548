import { execa } from "execa";
import type { LabMachine } from "../lab/index.ts";
import type { RolesLab } from "./roles-lab.ts";

/** A program that makes the forty operations so on machines, as one process from its start to its end. */
export interface Tool {
  readonly name: string;
  /** Rejects when it did not end well. Gives what it printed. */
  run(machines: readonly LabMachine[]): Promise<string>;
}

/** Olympus itself: the command line, started as `node`. */
export function olympusTool(lab: RolesLab, signal: AbortSignal): Tool {
  return {
    name: "olympus",
    run: (machines) =>
      olympus(lab, ["setup", "bench", "--host", machines.map(({ name }) => name).join(","), "--yes"], signal),
  };
}

/** Runs `role` with these words. Gives stdout. */
export async function olympus(lab: RolesLab, words: readonly string[], signal: AbortSignal): Promise<string> {
  const [program = "", ...args] = lab.command;
  const { stdout } = await execa(program, [...args, ...words], { env: lab.env, cancelSignal: signal });
  return stdout;
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
