import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { OlympusError } from "../base/errors.ts";
import type { LabMachine } from "../lab/index.ts";
import { type BenchOptions, type Figure, median } from "./bench.ts";
import { loadNote, othersWork } from "./load.ts";
import { farEnds, type RolesLab } from "./roles-lab.ts";
import { olympus, olympusTool, seconds, type Tool } from "./roles-tools.ts";

const roundTrip = 22;
/** Runs of Olympus for each run of a peer: they are short, and a median needs several. */
const each = 3;

/** Nothing to do on converged machines: Olympus and its peers in turn, whole processes, each started anew. */
export async function noopFigures(
  lab: RolesLab,
  peers: readonly Tool[],
  rounds: number,
  { reporter, signal }: BenchOptions,
): Promise<Record<string, Figure>> {
  const own = olympusTool(lab, signal);
  const step = reporter.step("nothing to do");
  step.update("starting 8 hosts");
  const machines = await lab.converged(8, (first) => own.run([first]));
  const one = machines.slice(0, 1);
  for (const tool of peers) {
    // The first run of a tool compiles it, and makes so what it sees in its own way.
    step.update(`${tool.name} for the first time`);
    await tool.run(one);
  }
  const others: number[] = [];
  const times = new Map<string, number[]>();
  const measure = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    const took = await seconds(work);
    step.update(`${name} ${took.toFixed(2)} s`);
    times.set(name, [...(times.get(name) ?? []), took]);
  };
  await nothingChanged(lab, machines, signal);
  const far = await delayLink(lab, one[0]!);
  try {
    const farAway = (): Promise<string> => olympus(lab, ["setup", "bench", "--host", "far", "--yes"], signal);
    await farAway();
    for (let round = 0; round < rounds; round += 1) {
      others.push(await othersWork(signal));
      for (const tool of peers) await measure(tool.name, () => tool.run(one));
      for (let at = 0; at < each; at += 1) {
        await measure("1 host", () => own.run(one));
        await measure("8 hosts", () => own.run(machines));
        await measure("far host", farAway);
      }
    }
  } finally {
    far.end();
  }
  await nothingChanged(lab, machines, signal);
  step.done(`${median(times.get("1 host")!).toFixed(2)} s on one host`);
  const note = loadNote(others);
  const took = (name: string): number => median(times.get(name)!);
  const figure = (name: string, bound: number): Figure => ({
    value: took(name),
    unit: "s",
    bound,
    better: "lower",
    note: [`median of ${times.get(name)!.length}`, note].filter(Boolean).join("; "),
  });
  const bounds = { pyinfra: 12, mitogen: 14, ansible: 48 };
  const ratios = Object.entries(bounds).map(([name, bound]): [string, Figure] => {
    const peer = times.has(name) ? took(name) : undefined;
    const said = peer === undefined ? "peer not measured in this run" : `${peer.toFixed(1)} s; ${note}`;
    const value = peer === undefined ? 0 : peer / took("1 host");
    return [`ratio_${name}`, { value, unit: "x", bound, better: "higher", note: said.replace(/; $/, "") }];
  });
  return {
    noop_1_s: figure("1 host", 0.45),
    noop_8_s: figure("8 hosts", 0.9),
    [`noop_1_rtt${roundTrip}_s`]: figure("far host", 0.75),
    ...Object.fromEntries(ratios),
  };
}

/** What is measured must be nothing: peers that undid each other's or our work would be measured at that. */
async function nothingChanged(lab: RolesLab, machines: readonly LabMachine[], signal: AbortSignal): Promise<void> {
  const said = await olympusTool(lab, signal).run(machines);
  if (said.includes("nothing changed")) return;
  throw new OlympusError(`there was something to do: ${said}`, { code: "E-BUG" });
}

async function delayLink(lab: RolesLab, machine: LabMachine): Promise<{ end(): void }> {
  const { here, there } = farEnds(lab.lab);
  const script = fileURLToPath(new URL("delay-link.py", import.meta.url));
  const words = [script, `${machine.init.pid}`, "olydelay0", here, there, `${roundTrip}`];
  const link = spawn("python3", words, { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise<void>((ready, fail) => {
    link.stdout.once("data", () => ready());
    link.once("error", fail);
    link.once("exit", (code) => fail(new OlympusError(`the slow link ended with ${code}`, { code: "E-BUG" })));
  });
  return { end: () => link.stdin.end() };
}
