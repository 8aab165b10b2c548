import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { projectRoot, stateRoot, teamPointer } from "../../src/base/paths.ts";
import { layout } from "../../src/lab/layout.ts";
import { type CliResult, olympus, olympusOk } from "../support/olympus.ts";
import { type PageStep, stepsOf, withFragment } from "../support/page-steps.ts";

// Each page is walked through as a reader would: its YAML goes into the team file, its commands are run, in the order of the page.
process.env.OLYMPUS_STATE = join(projectRoot, ".olympus", "long-how-to");

const remove = async (): Promise<void> => {
  await olympusOk(["lab", "down"]);
  await rm(stateRoot(), { recursive: true, force: true });
};

beforeAll(async () => {
  await remove();
  await execa(join(projectRoot, "scripts/quickstart"), ["--yes"], { stdin: "ignore", stderr: "inherit" });
}, 3_600_000);

afterAll(remove, 300_000);

const teamFile = (): string => readFileSync(teamPointer(), "utf8").trim();

/** Walks a page; `between` comes before each of its steps. Gives what each command printed, by the command. */
async function walk(page: string, between: (step: PageStep) => Promise<void> = async () => undefined) {
  const told = new Map<string, CliResult>();
  for (const step of stepsOf(page)) {
    await between(step);
    if (step.yaml !== undefined) writeFileSync(teamFile(), withFragment(readFileSync(teamFile(), "utf8"), step.yaml));
    else {
      const words = step.words.map((word) => (word === "SHA256:…" ? fingerprint(step.words) : word));
      const at = words.indexOf("--");
      const result = await olympus([
        ...words.slice(0, at < 0 ? undefined : at),
        "--yes",
        ...(at < 0 ? [] : words.slice(at)),
      ]);
      // A preview that shows changes ends with 3.
      expect(
        [0, words[0] === "preview" ? 3 : 0],
        `${page}: ${step.text}\n${result.stdout}\n${result.stderr}`,
      ).toContain(result.code);
      told.set(step.text, result);
    }
  }
  return told;
}

/** As the console of a lab's hypervisor shows it. */
function fingerprint(words: readonly string[]): string {
  const state = JSON.parse(readFileSync(layout.state, "utf8")) as { machines: Record<string, { hostKey: string }> };
  const { hostKey } = state.machines[words[1]!]!;
  return execFileSync("ssh-keygen", ["-lf", "-"], { input: `${hostKey}\n`, encoding: "utf8" }).split(" ")[1]!;
}

const bootId = async (machine: string): Promise<string> =>
  (await olympusOk(["ssh", machine, "--", "cat", "/proc/sys/kernel/random/boot_id"])).stdout.trim();

it("add an agent: it answers, and nobody else's machine is touched", async () => {
  const before = [await bootId("athena"), await bootId("agora")];
  const told = await walk("second-agent");
  expect(told.get("npx olympus preview")!.stdout).not.toMatch(/athena|agora/);
  expect([await bootId("athena"), await bootId("agora")]).toEqual(before);
});

it("add a hypervisor: a machine on it answers", async () => {
  const before = await bootId("athena");
  await walk("add-hypervisor", async (step) => {
    if (step.text !== "npx olympus pin r710 SHA256:…") return;
    // The server is put into its rack. The lab knows its key beforehand; a person does not.
    await olympusOk(["lab", "up"]);
    const document = parseDocument(readFileSync(teamFile(), "utf8"));
    document.deleteIn(["hypervisors", "r710", "hostKey"]);
    writeFileSync(teamFile(), document.toString({ lineWidth: 0 }));
  });
  expect(await bootId("athena")).toBe(before);
});

it("grow a machine: it has what it was given, and its data", async () => {
  const mark = "/srv/olympus/agent/how-to-mark";
  await olympusOk(["ssh", "athena", "--", `sudo touch ${mark}`]);
  const told = await walk("grow-vm");
  expect(told.get("npx olympus ssh athena -- nproc")!.stdout.trim()).toBe("3");
  expect(told.get("npx olympus ssh athena -- df -h /srv/olympus")!.stdout).toMatch(/ 4\.[5-9]G /);
  await olympusOk(["ssh", "athena", "--", `sudo rm ${mark}`]);
});

it("rotate secrets: every one has another value, and all works", async () => {
  const value = async (name: string) => (await olympusOk(["secrets", "get", name, "--yes"])).stdout;
  const names = [
    "ssh.deploy.private",
    "postgresql.mattermost",
    "agents.athena.dashboard",
    "mattermost.bots.athena.token",
  ];
  const before = await Promise.all(names.map(value));
  await walk("rotate-secrets");
  const after = await Promise.all(names.map(value));
  for (const [at, name] of names.entries()) expect(after[at], name).not.toBe(before[at]);
  await olympusOk(["chat", "@athena", "hello"]);
  // Machines get the new key into their seed.
  await olympusOk(["up", "--yes"]);
  await olympusOk(["chat", "@athena", "hello again"]);
});
