/** Whoever asks an agent whose dashboard has a certificate: by the team's authority, from a real team file and real secrets. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { dashboardTls } from "../../roles/agent/tls.ts";
import { makeAuthority, makeServerCertificate } from "../../secrets/authority.ts";
import { initSecrets, type SecretStore } from "../../secrets/store.ts";
import { type SampleDashboard, sampleDashboard } from "../../test/support/dashboard.ts";
import { grantLine, scopes } from "../base/grants.ts";
import { projectRoot } from "../base/paths.ts";
import { silentReporter, withStep } from "../base/report.ts";
import { Secret } from "../base/secret.ts";
import { costSchema } from "../dashboard/schemas.ts";
import { type Dashboard, startDashboard } from "../dashboard/server.ts";
import { waitUntilReady } from "../deploy/probe.ts";
import type { ServerTls } from "../harness/tls.ts";
import { listHosts } from "../team/hosts.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import { askDashboard } from "./ask-dashboard.ts";
import { teamStatus } from "./status.ts";

const address = "127.77.21.50";
const { signal } = new AbortController();
let folder: string;
let team: LoadedTeam;
let secrets: SecretStore;
let sample: SampleDashboard;
let dashboard: Dashboard | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-status-tls-"));
  process.env.SOPS_AGE_KEY_FILE = join(folder, "age.txt");
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  const file = join(folder, "team.yaml");
  const withTls = example.replace(/\n {4}dev-env:/, "\n    agent: { tls: team-ca }$&").replaceAll("mara", "alice");
  writeFileSync(file, withTls.replaceAll("10.220.1.", "127.77.21."));
  team = await loadTeam(file);
  secrets = (await initSecrets(team)).store;
  sample = sampleDashboard(undefined, false);
});
afterAll(async () => {
  await dashboard?.close();
  sample.close();
  rmSync(folder, { recursive: true });
});

const athena = () => team.machines.find(({ name }) => name === "athena")!;
async function show(tls: ServerTls): Promise<void> {
  await dashboard?.close();
  const token = new Secret("t", grantLine(secrets.require("agents.athena.dashboard").reveal(), scopes));
  dashboard = await startDashboard({ ...sample.options, token, address, port: 18789, tls });
}
async function ownCertificate(): Promise<ServerTls> {
  const host = listHosts(team).find(({ name }) => name === "athena")!;
  return (await dashboardTls("team-ca", false, { team, host, secrets, reporter: silentReporter() }))!;
}

/** As a person calls it. */
const open = (...more: string[]) => {
  const args = ["src/cli/main.ts", "open", "athena", ...more, "--team", team.file];
  return promisify(execFile)(join(projectRoot, "node_modules/.bin/node"), args, { cwd: projectRoot });
};

test("status, the probe after a deployment and every question over the API verify it by the team's authority", async () => {
  await show(await ownCertificate());
  const [status] = await teamStatus(team, secrets, signal, ["athena"]);
  expect(status).toMatchObject({ state: "fine", detail: "agent: idle" });
  await withStep(silentReporter(), "probe", async (step) => ({
    value: await waitUntilReady({ team, secrets, agents: ["athena"], step, signal }),
    summary: "",
  }));
  const { answer } = await askDashboard(athena(), secrets, "/api/cost?days=1", costSchema, signal);
  expect(answer?.days).toEqual([]);
});

test("olympus open wants to know who signs in where several may act: nobody approves in another's name by mistake", async () => {
  const failed = await open().catch((error: unknown) => error);
  expect(failed).toMatchObject({ stdout: "", stderr: expect.stringContaining("npx olympus open athena --person kim") });
});

test("olympus open gives a link over TLS", async () => {
  await show(await ownCertificate());
  const { stdout, stderr } = await open("--person", "alice");
  expect(stdout).toMatch(/^https:\/\/127\.77\.21\.50:18789\/login#[\w-]{32}\n$/);
  expect(stderr).toContain("signs in as alice");
  // From another computer, by the port that the lab publishes here.
  expect(stderr).toMatch(/ssh -L 18789:127\.0\.0\.1:18789 .*, then https:\/\/127\.0\.0\.1:18789\/login#[\w-]{32}\n/);
}, 120_000);

test("olympus open says so where something else answers in the dashboard's place", async () => {
  await dashboard?.close();
  dashboard = undefined;
  const { certificate: cert, key } = await ownCertificate();
  const other = createTlsServer({ cert, key: key.reveal() }, (_, response) => response.end("hello"));
  await new Promise<void>((resolve) => other.listen(18789, address, resolve));
  const failed = await open("--person", "alice").catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining("gives no link: HTTP 200  (E-OPEN)") });
  await new Promise((resolve) => other.close(resolve));
});

test("a certificate of somebody else's is not taken, nor plain HTTP in its place", async () => {
  const strange = makeServerCertificate(makeAuthority("other"), [address], ["athena"]);
  await show({ certificate: strange.certificate, key: new Secret("key", strange.key) });
  const [status] = await teamStatus(team, secrets, signal, ["athena"]);
  expect(status).toMatchObject({ state: "unreachable" });
  expect(status?.detail).toContain("its certificate is not one that this computer trusts");
  await dashboard!.close();
  dashboard = undefined;
  const heard: string[] = [];
  const plain: Server = createServer((request, response) => {
    heard.push(String(request.headers.authorization));
    response.end("{}");
  });
  await new Promise<void>((resolve) => plain.listen(18789, address, resolve));
  const [before] = await teamStatus(team, secrets, signal, ["athena"]);
  expect(before?.detail).toContain("does not speak TLS: npm run role -- setup agent");
  expect(heard).toEqual([]);
  await new Promise((resolve) => plain.close(resolve));
});

test("a given certificate with its own authority in the same file needs nothing else", async () => {
  const authority = makeAuthority("a company's");
  const made = makeServerCertificate(authority, [address], ["athena.example"]);
  const certificate = made.certificate + authority.certificate;
  await show({ certificate, key: new Secret("key", made.key) });
  const machine = { ...athena(), roles: { ...athena().roles, agent: { tls: { certificate } } } };
  expect((await askDashboard(machine, secrets, "/api/status", z.unknown(), signal)).unreached).toBeUndefined();
});
