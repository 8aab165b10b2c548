/**
 * Measures what the sandbox costs a command: the same `true` in bash, bare and in the sandbox, in turns. Run by Node as an
 * unprivileged user in a control group that is its own. Arguments: how often, and the controllers that the machine has.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
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
const bare: number[] = [];
const sandboxed: number[] = [];

async function timed(into: number[], work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await work();
  into.push(performance.now() - began);
}

for (let n = 0; n < Number(times); n++) {
  await timed(bare, () => once(spawn("bash", ["-c", "true"], { stdio: "ignore" }), "exit"));
  await timed(sandboxed, () => run.run("true", 60, never));
}
await run.close();
process.stdout.write(`@@${JSON.stringify({ bare, sandboxed })}\n`);
