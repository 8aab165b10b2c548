import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stateDir } from "../base/paths.ts";
import { type LocalRecord, localHistory, remember, runsKept } from "./history.ts";
import type { HostState } from "./result.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-history-"));
  vi.stubEnv("OLYMPUS_STATE", folder);
  file = stateDir("lab", "role-history.jsonl");
  mkdirSync(dirname(file), { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const record = (what: string, host: string, state: HostState): LocalRecord => ({
  ...{ v: 1, at: "2026-11-22T12:00:00Z", what, who: "mara@desk", ms: 1, exit: 0 },
  hosts: [{ host, state, changed: 0, pending: 0 }],
});
const write = (records: readonly LocalRecord[], end = "") =>
  writeFileSync(file, records.map((one) => `${JSON.stringify(one)}\n`).join("") + end);
const told = () => localHistory("lab").map(({ what, hosts }) => `${what} ${hosts[0]!.host} ${hosts[0]!.state}`);

test("the newest runs are kept, and of older ones what tells how a host was last seen, and when it was last as wished", async () => {
  write([
    ...[record("check", "athena", "as-wished"), record("setup", "athena", "changed")],
    ...[
      record("check", "athena", "pending"),
      record("reset", "athena", "pending"),
      record("check", "athena", "failed"),
    ],
    ...Array.from({ length: runsKept + 10 }, () => record("check", "agora", "as-wished")),
  ]);
  await remember("lab", record("check", "agora", "failed"));
  expect(told()).toEqual([
    ...["setup athena changed", "check athena pending"],
    ...Array.from({ length: runsKept - 1 }, () => "check agora as-wished"),
    "check agora failed",
  ]);
  await remember("lab", record("check", "athena", "as-wished"));
  expect(told().slice(0, 2)).toEqual(["check agora as-wished", "check agora as-wished"]);
  expect(told()).toHaveLength(runsKept);
});

test("a line that a kill cut off takes no other with it", async () => {
  write([record("check", "athena", "as-wished")], '{"v":1,"at":"20');
  await remember("lab", record("setup", "athena", "changed"));
  expect(told()).toEqual(["check athena as-wished", "setup athena changed"]);
});

/** A process that adds runs without an end, and says each one's number once it is remembered. */
function writer(name: string): { child: ChildProcess; said: string[]; until(count: number): Promise<void> } {
  const program = `import { remember } from ${JSON.stringify(join(import.meta.dirname, "history.ts"))};
const record = ${JSON.stringify(record("check", "athena", "as-wished"))};
for (let at = 0; ; at += 1) {
  await remember("lab", { ...record, who: "${name}" + at });
  console.log("${name}" + at);
}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout! }).on("line", (line) => void said.push(line));
  return {
    child,
    said,
    async until(count) {
      while (said.length < count) await once(lines, "line");
    },
  };
}

test("of two processes that add at once, one of them killed, nothing that was remembered is lost and nothing is half there", async () => {
  write(Array.from({ length: runsKept }, () => record("check", "agora", "as-wished")));
  const [one, other] = [writer("one"), writer("other")];
  try {
    await Promise.all([one.until(5), other.until(5)]);
    one.child.kill("SIGKILL");
    await once(one.child, "exit");
    await other.until(other.said.length + 3);
  } finally {
    for (const { child } of [one, other]) if (child.kill("SIGKILL")) await once(child, "exit");
  }
  await remember("lab", record("check", "athena", "as-wished"));
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const who = lines.map((line) => (JSON.parse(line) as LocalRecord).who);
  expect(who).toEqual(expect.arrayContaining([...one.said, ...other.said]));
  expect(lines).toHaveLength(runsKept);
  expect(readdirSync(dirname(file))).not.toContain("role-history.jsonl.lock");
}, 120_000);
