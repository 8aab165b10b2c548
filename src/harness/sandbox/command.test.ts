import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Delegation } from "./cgroup.ts";
import { prepareCommand, type Ran, runCommand } from "./command.ts";
import { DiskWatch } from "./disk.ts";
import { Launcher } from "./launcher.ts";

/** On a machine without control groups: a group that keeps nobody. What a group does stands in test/contract/sandbox.test.ts. */
const folder = mkdtempSync(join(tmpdir(), "olympus-command-"));
const delegation: Delegation = {
  async make(name) {
    const procsFile = join(folder, `${name}.procs`);
    writeFileSync(procsFile, "");
    return {
      procsFile,
      events: async () => ({ outOfMemory: false, outOfProcesses: false }),
      processes: async () => 0,
      clear: async () => rmSync(procsFile, { force: true }),
    };
  },
  population: async () => 0,
};
const limits = { disk: 64, output: 16, limits: { memory: 256, processes: 64, cpus: 1 } };
let launcher: Launcher;

afterEach(() => launcher.close());

async function ran(name: string, sandbox: readonly string[]): Promise<Ran> {
  launcher = new Launcher([], sandbox);
  const prepared = await prepareCommand({ launcher, delegation, limits, name, output: folder });
  const plan = { script: "true", seconds: 60, disk: new DiskWatch(folder, 64), limits };
  return runCommand(prepared, plan, new AbortController().signal);
}

test("a launcher goes on after a command that went well, and not after what may not have read its byte", async () => {
  const reads = ["bash", "-c", "read -r -n 1 -u 3"];
  expect(await ran("read", reads)).toMatchObject({ clean: true, result: { code: 0, ending: "exited" } });
  for (const [code, script] of [
    [137, "kill -9 $$"],
    [1, "exit 1"],
  ] as const) {
    await launcher.close();
    expect(await ran(`ended-${code}`, ["bash", "-c", script])).toMatchObject({ clean: false, result: { code } });
  }
});
