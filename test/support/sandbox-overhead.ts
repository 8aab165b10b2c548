/**
 * Measures what the sandbox costs a command: the same `true` in bash, bare, in a sandbox that was made while a model thought, and in
 * one that was not, in turns. Run by Node as an unprivileged user in a control group that is its own. Arguments: how often, and the
 * controllers that the machine has.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openEgress } from "../../src/harness/egress/egress.ts";
import { silentLog } from "../../src/harness/log.ts";
import { openSandbox } from "../../src/harness/sandbox/sandbox.ts";

const [times = "40", controllers = ""] = process.argv.slice(2);
const egress = await openEgress([], silentLog, () => undefined);
const sandbox = await openSandbox({
  root: join(process.env.DATA!, "workspaces"),
  limits: { memory: 512, processes: 128, cpus: 2 },
  disk: 4096,
  output: 64,
  toolchains: [],
  path: [],
  environment: {},
  serve: egress.serve,
  controllers: controllers.split(",").filter(Boolean),
});
const run = await sandbox.open("overhead");
const never = new AbortController().signal;
/** Shorter than any model thinks, longer than a sandbox takes to be made. */
const thinkMs = 100;

async function timed(work: () => Promise<unknown>): Promise<number> {
  await pause(thinkMs);
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const bare: number[] = [];
const prepared: number[] = [];
const unprepared: number[] = [];
for (let n = 0; n < Number(times); n++) {
  bare.push(await timed(() => once(spawn("bash", ["-c", "true"], { stdio: "ignore" }), "exit")));
  unprepared.push(await timed(() => run.run("true", 60, never)));
  run.prepare();
  prepared.push(await timed(() => run.run("true", 60, never)));
}
await run.close();
process.stdout.write(`@@${JSON.stringify({ bare, prepared, unprepared })}\n`);
