import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { stateOwner } from "./owner.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "olympus-owner-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(state, { recursive: true });
});

const module = new URL("./owner.ts", import.meta.url).href;
/** Each says that it is loaded, waits for a line, and asks. */
const script = `import { stateOwner } from ${JSON.stringify(module)};
process.stdout.write("ready\\n");
process.stdin.once("data", () => { process.stdout.write(stateOwner("lab", process.env.BACKEND)); process.exit(); });`;

it("is one word for all stacks that are made side by side, and stays it", async () => {
  const env = { ...process.env, OLYMPUS_STATE: state, BACKEND: `file://${state}/lab/pulumi` };
  const asking = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", script], { env }),
  );
  const said = asking.map(({ stdout }) => text(stdout.setEncoding("utf8")));
  await Promise.all(asking.map(({ stdout }) => new Promise((ready) => stdout.once("data", ready))));
  for (const { stdin } of asking) stdin.write("go\n");
  const words = (await Promise.all(said)).map((one) => one.replace("ready\n", ""));
  expect(new Set(words).size).toBe(1);
  expect(words[0]).toMatch(/^[0-9a-f]{8}$/);
  expect(readdirSync(join(state, "lab/pulumi"))).toEqual(["owner"]);
  vi.stubEnv("OLYMPUS_STATE", state);
  vi.stubEnv("PULUMI_BACKEND_URL", undefined);
  expect(stateOwner("lab")).toBe(words[0]);
});

it("of a folder that computers share is one word for all of them, and another than that of any other folder", () => {
  const onComputer = (name: string, backend: string): string => {
    vi.stubEnv("OLYMPUS_STATE", join(state, name));
    return stateOwner("lab", `file://${join(state, backend)}`);
  };
  const first = onComputer("desk", "shared");
  // Mounted elsewhere.
  symlinkSync(join(state, "shared"), join(state, "mount"));
  expect(onComputer("rack", "mount")).toBe(first);
  expect(onComputer("desk", "other")).not.toBe(first);
});

it("of machines that are standing stays the word that was kept beside the folder", () => {
  vi.stubEnv("OLYMPUS_STATE", state);
  mkdirSync(join(state, "lab"));
  writeFileSync(join(state, "lab/owner"), "0badcafe\n");
  expect(stateOwner("lab", `file://${state}/lab/pulumi`)).toBe("0badcafe");
});

it("of a shared backend is told by its address, without a file", () => {
  expect(stateOwner("lab", "s3://ours")).toBe(stateOwner("other", "s3://ours"));
  expect(stateOwner("lab", "s3://ours")).not.toBe(stateOwner("lab", "s3://theirs"));
});
