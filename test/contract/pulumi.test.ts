import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { silentReporter } from "../../src/base/report.ts";
import { prepareStacks, pulumiEnv, toolchain } from "../../src/toolchain/index.ts";
import { type Libvirtd, startLibvirtd } from "../support/libvirtd.ts";
import { eventually } from "../support/olympus.ts";

/** Two real resources on a real libvirtd: enough for every plugin to be started. */
const program = `
import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "@pulumi/libvirt";
import { requirePulumiEnv } from "${projectRoot}/src/toolchain/require-env.ts";
type Outputs = Record<string, pulumi.Input<unknown>>;
export default async function program(): Promise<Outputs> {
  requirePulumiEnv();
  const provider = new libvirt.Provider("here", { uri: process.env.TEST_URI! });
  const pool = new libvirt.Pool("pool", { name: "pool", type: "dir", target: { path: process.env.TEST_POOLS! + "/pool" } }, { provider });
  const volume = new libvirt.Volume("volume", { name: "volume", pool: pool.name, size: 1048576 }, { provider });
  return { stack: pulumi.getStack(), volume: volume.name };
}
`;

let libvirtd: Libvirtd;
let folder: string;
let mark: string;
let environment: Record<string, string>;

beforeAll(async () => {
  libvirtd = await startLibvirtd();
});
afterAll(() => libvirtd[Symbol.asyncDispose]());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-pulumi-"));
  mkdirSync(join(folder, "stacks"));
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "stacks/index.ts"), program);
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "dependencies": { "@pulumi/libvirt": "*" } }');
  writeFileSync(join(folder, "Pulumi.yaml"), readFileSync(join(projectRoot, "Pulumi.yaml")));
  symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "passphrase"), "correct horse");
  mark = randomUUID();
  const team = { name: "test", file: join(folder, "team.yaml") } as Parameters<typeof pulumiEnv>[0];
  environment = {
    ...pulumiEnv(team, toolchain(), join(folder, "passphrase")),
    PULUMI_BACKEND_URL: `file://${folder}/state`,
    TEST_MARK: mark,
    TEST_URI: libvirtd.uri,
    TEST_POOLS: libvirtd.pools,
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

const pulumi = (...words: string[]) => {
  const options = { cwd: folder, env: environment, reject: false, all: true } as const;
  return execa(toolchain().pulumi, ["--non-interactive", ...words], options);
};

/** Command lines of the processes that this test's run started and that are still there. */
function processes(): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").includes(`TEST_MARK=${mark}`)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}
const none = () => eventually("every process of the run to end", async () => processes().length === 0, 60_000, 50);

describe("a plain pulumi", () => {
  test("brings up, sees no change, destroys, and leaves no process behind", async () => {
    expect((await pulumi("stack", "init", "one")).exitCode).toBe(0);
    const first = await pulumi("up", "--yes", "--skip-preview", "--stack", "one");
    expect(first.all).not.toContain("warning");
    expect(first.exitCode, first.all).toBe(0);
    await none();
    const preview = await pulumi("preview", "--stack", "one", "--expect-no-changes");
    expect(preview.exitCode, preview.all).toBe(0);
    await none();
    expect(JSON.parse((await pulumi("stack", "output", "--json", "--stack", "one")).stdout)).toEqual({
      stack: "one",
      volume: "volume",
    });
    const destroy = await pulumi("destroy", "--yes", "--skip-preview", "--stack", "one");
    expect(destroy.exitCode, destroy.all).toBe(0);
    await none();
  });

  test("leaves no process behind when it fails", async () => {
    environment.TEST_URI = "qemu+unix:///system?socket=/nonexistent";
    await pulumi("stack", "init", "two");
    const failed = await pulumi("up", "--yes", "--skip-preview", "--stack", "two");
    expect(failed.exitCode).not.toBe(0);
    expect(failed.all).toContain("/nonexistent");
    await none();
  });

  test("leaves no process behind when it is killed in the middle", async () => {
    // A hypervisor that takes connections and never answers.
    // What was sent is read, else the server would wait for a connection whose other end is gone.
    const mute = createServer((connection) => connection.on("error", () => connection.destroy()).resume());
    const socket = join(folder, "mute");
    await new Promise<void>((resolve) => mute.listen(socket, resolve));
    environment.TEST_URI = `qemu+unix:///system?socket=${socket}`;
    await pulumi("stack", "init", "three");
    const going = pulumi("up", "--yes", "--skip-preview", "--stack", "three");
    const running = (name: string) => processes().some((command) => command.includes(name));
    const parts = ["real/terraform-provider-libvirt", "pulumi-resource-terraform-provider", "language-host.ts"];
    await eventually("provider, bridge and language host to run", async () => parts.every(running), 60_000, 50);
    going.kill("SIGKILL");
    expect((await going).signal).toBe("SIGKILL");
    await none();
    await new Promise((resolve) => mute.close(resolve));
  });

  test("works for two teams with a hypervisor of the same name, each with its own passphrase", async () => {
    environment.TEST_URI = "qemu+unix:///system?socket=/nonexistent";
    const { signal } = new AbortController();
    writeFileSync(join(folder, "stacks/index.ts"), "export default async () => ({});");
    const first = environment;
    writeFileSync(join(folder, "other passphrase"), "battery staple");
    const passphrase = { PULUMI_CONFIG_PASSPHRASE_FILE: join(folder, "other passphrase") };
    const second = { ...environment, ...passphrase, PULUMI_BACKEND_URL: `file://${folder}/other` };
    for (const variables of [first, second, first]) {
      const reporter = silentReporter();
      await prepareStacks({ stacks: ["r420"], pulumi: toolchain().pulumi, variables, reporter, signal, root: folder });
      environment = variables;
      const up = await pulumi("up", "--yes", "--skip-preview", "--stack", "r420");
      expect(up.exitCode, up.all).toBe(0);
    }
  });

  test("says what is missing without the project's environment", async () => {
    await pulumi("stack", "init", "four");
    delete environment.OLYMPUS_TEAM;
    const refused = await pulumi("preview", "--stack", "four");
    expect(refused.exitCode).not.toBe(0);
    expect(refused.all).toContain('eval "$(npx olympus env)"');
    await none();
  });
});
