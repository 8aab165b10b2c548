import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stateOwner } from "./owner.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "olympus-owner-"));
});
afterEach(() => rmSync(state, { recursive: true }));

const module = new URL("./owner.ts", import.meta.url).href;
/** Each says that it is loaded, waits for a line, and asks. */
const script = `import { stateOwner } from ${JSON.stringify(module)};
process.stdout.write("ready\\n");
process.stdin.once("data", () => { process.stdout.write(stateOwner("lab", "file:///state")); process.exit(); });`;

it("is one word for all stacks that are made side by side, and stays it", async () => {
  const env = { ...process.env, OLYMPUS_STATE: state };
  const asking = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", script], { env }),
  );
  const said = asking.map(({ stdout }) => text(stdout.setEncoding("utf8")));
  await Promise.all(asking.map(({ stdout }) => new Promise((ready) => stdout.once("data", ready))));
  for (const { stdin } of asking) stdin.write("go\n");
  const words = (await Promise.all(said)).map((one) => one.replace("ready\n", ""));
  expect(new Set(words).size).toBe(1);
  expect(words[0]).toMatch(/^[0-9a-f]{8}$/);
  expect(readdirSync(join(state, "lab"))).toEqual(["owner"]);
});

it("of a shared backend is told by its address, without a file", () => {
  expect(stateOwner("lab", "s3://ours")).toBe(stateOwner("other", "s3://ours"));
  expect(stateOwner("lab", "s3://ours")).not.toBe(stateOwner("lab", "s3://theirs"));
});
