import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { Launcher, startFd } from "./launcher.ts";

/** Waits for its byte as bubblewrap does, and keeps nothing in. */
const noSandbox = ["bash", "-c", `read -r -n 1 -u ${startFd} || exit 99; exec ${startFd}<&-; exec bash "$1"`, "bash"];

const folder = mkdtempSync(join(tmpdir(), "olympus-launcher-"));
let launcher: Launcher;
let count = 0;

afterEach(() => launcher.close());
afterAll(() => rmSync(folder, { recursive: true }));

/** A command that waits, with the file that would be its control group's and that of its output. */
function waiting(script: string) {
  const file = (name: string) => join(folder, `${count}.${name}`);
  count++;
  writeFileSync(file("sh"), script);
  const waits = launcher.prepare({ procsFile: file("procs"), script: file("sh"), output: file("txt"), fileSize: 500 });
  return { ...waits, file, output: () => readFileSync(file("txt"), "utf8") };
}

test("a command joins its group and waits, and begins when it is told to", async () => {
  launcher = new Launcher([], noSandbox);
  const first = waiting("echo began; exit 7");
  await vi.waitFor(() => expect(readFileSync(first.file("procs"), "utf8")).toBe("0\n"), 20_000);
  expect(first.isOver()).toBe(false);
  expect(first.output()).toBe("");
  first.start();
  expect(await first.ended).toBe(7);
  expect(first.output()).toBe("began\n");
  const second = waiting(`( : <&${startFd} ) 2>/dev/null || echo closed`);
  second.start();
  expect(await second.ended).toBe(0);
  expect(second.output()).toBe("closed\n");
});

test("one that ends before it was told to is over, and the launcher takes the next", async () => {
  launcher = new Launcher([], ["bash", "-c", "exit 9"]);
  const killed = waiting("true");
  await vi.waitFor(() => expect(killed.isOver()).toBe(true), 20_000);
  expect(await waiting("true").ended).toBe(9);
  expect(launcher.isOver()).toBe(false);
});

test("a byte that a killed one had not read does not begin the next", async () => {
  const mark = join(folder, "killed");
  const sandbox = `[ -e ${mark} ] || { until [ -e ${mark} ]; do sleep 0.05; done; exit 137; }
    read -t 0 -u ${startFd} && exit 99; echo waits; read -r -N 1 -u ${startFd}; exec bash "$1"`;
  launcher = new Launcher([], ["bash", "-c", sandbox, "bash"]);
  const killed = waiting("true");
  await vi.waitFor(() => expect(readFileSync(killed.file("procs"), "utf8")).toBe("0\n"), 20_000);
  killed.start();
  writeFileSync(mark, "");
  expect(await killed.ended).toBe(137);
  // Too late for the one before, and none of the next's business.
  killed.start();
  const next = waiting("echo began");
  await vi.waitFor(() => expect(next.output()).toBe("waits\n"), 20_000);
  next.start();
  expect(await next.ended).toBe(0);
  expect(next.output()).toBe("waits\nbegan\n");
});

test("what waits when the launcher ends is over, and says why it cannot begin", async () => {
  launcher = new Launcher([], noSandbox);
  const first = waiting("true");
  await launcher.close();
  await vi.waitFor(() => expect(first.isOver()).toBe(true), 20_000);
  expect(launcher.isOver()).toBe(true);
  await expect(first.ended).rejects.toThrow("commands cannot be started");
});
