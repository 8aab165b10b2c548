/** Commands that ask agents' dashboards, as people call them: with what comes out, and what is kept from whom. */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { initSecrets } from "../../secrets/store.ts";
import { grantLine, scopes } from "../../src/base/grants.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { Secret } from "../../src/base/secret.ts";
import { type Dashboard, startDashboard } from "../../src/dashboard/server.ts";
import { recordStep } from "../../src/harness/store/steps.ts";
import { loadTeam } from "../../src/team/load.ts";
import { type SampleDashboard, sampleDashboard } from "../support/dashboard.ts";
import { fillPast } from "../support/past.ts";

const node = join(projectRoot, "node_modules/.bin/node");
let folder: string;
let file: string;
let token: string;
let sample: SampleDashboard;
let dashboard: Dashboard;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-team-commands-"));
  process.env.SOPS_AGE_KEY_FILE = join(folder, "age.txt");
  file = join(folder, "team.yaml");
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  writeFileSync(file, example.replaceAll("10.220.1.", "127.77.26."));
  const team = await loadTeam(file);
  token = (await initSecrets(team)).store.require("agents.athena.dashboard").reveal();
  sample = sampleDashboard(undefined, false);
  fillPast(sample.store, 3, 1, Date.now());
  sample.now = Date.now();
  const tokens = new Secret("t", grantLine(token, scopes));
  dashboard = await startDashboard({ ...sample.options, token: tokens, address: "127.77.26.50", port: 18789 });
}, 120_000);
afterAll(async () => {
  await dashboard?.close();
  sample?.close();
  rmSync(folder, { recursive: true });
});

const argsOf = (words: readonly string[]) => [join(projectRoot, "src/cli/main.ts"), ...words, "--team", file];
function olympus(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(node, argsOf(words), { cwd: folder }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test("cost says what models cost", async () => {
  const athena = await olympus("cost", "athena", "--days", "3", "--by", "model");
  expect(athena).toMatchObject({ code: 0, stderr: "" });
  expect(athena.stdout).toMatch(/rehearsal\/rehearsal +0\.0\d+ +6 /);
}, 120_000);

test("audit export prints each entry with its hash, as verify reads them", async () => {
  const { code, stdout } = await olympus("audit", "export", "athena");
  const links = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { seq: number; hash: string });
  expect([code, links.map(({ seq }) => seq)]).toEqual([0, links.map((_, index) => index + 1)]);
  expect(links.length).toBeGreaterThan(5);
  expect((await olympus("audit", "verify", "athenna")).stderr).toContain("Did you mean athena?");
}, 120_000);

test("a support bundle is read by its owner alone, replaces no file, and holds no secret", async () => {
  recordStep(sample.store, { run: "past0-1", kind: "tool", at: Date.now(), outcome: "ok", detail: token });
  sample.options.log.warn({ token }, "a line with the token in it");
  const output = join(folder, "bundle.json");
  const first = await olympus("support-bundle", "--output", output);
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining(output) as string });
  expect(statSync(output).mode & 0o777).toBe(0o600);
  const bundle = readFileSync(output, "utf8");
  expect(JSON.parse(bundle)).toMatchObject({ version: 1, agents: { athena: { status: { agent: "athena" } } } });
  expect(bundle).toContain("a line with the token in it");
  expect(bundle).not.toContain(token);
  const second = await olympus("support-bundle", "--output", output);
  expect(second).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("(E-SUPPORT-FILE)") as string });
  expect(readFileSync(output, "utf8")).toBe(bundle);
}, 240_000);

test("dashboard serves the team's page on this computer alone until it is interrupted", async () => {
  const child = spawn(node, argsOf(["dashboard", "--port", "0"]), { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const over = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += String(chunk);
    });
    await expect.poll(() => out, { timeout: 60_000 }).toMatch(/login#\S+/);
    const [, place, code] = /(http:\/\/127\.0\.0\.1:\d+)\/login#(\S+)/.exec(out)!;
    expect((await fetch(`${place}/api/status`)).status).toBe(401);
    const body = new URLSearchParams({ code: code! });
    const signedIn = await fetch(`${place}/login`, {
      method: "POST",
      body,
      headers: { origin: place! },
      redirect: "manual",
    });
    const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
    expect(await (await fetch(place!, { headers: { cookie } })).text()).toContain("<h1>The team</h1>");
  } finally {
    child.kill("SIGINT");
  }
  expect(await over).not.toBeNull();
}, 120_000);

test("an agent that cannot be asked is told of as such, with an exit code of its own", async () => {
  await dashboard.close();
  const words = "nothing listens on 127.77.26.50:18789";
  const cost = await olympus("cost", "--days", "3");
  expect([cost.code, cost.stdout]).toEqual([4, expect.stringContaining(`athena: not counted, ${words}`)]);
  const audit = await olympus("audit", "export", "athena");
  expect([audit.code, audit.stdout, audit.stderr]).toEqual([4, "", expect.stringContaining(words)]);
}, 120_000);
