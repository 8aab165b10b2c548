/** The team at a glance over real sshd and real dashboards: what is down costs its own time, and nobody else's. */
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { remember } from "../../src/converge/history.ts";
import { type HostStatus, teamStatus } from "../../src/status/status.ts";
import { expectSound } from "../support/browser.ts";
import { hostile } from "../support/dashboard.ts";
import { type StatusTeam, statusTeam } from "../support/status-team.ts";
import { onTeamPage } from "../support/team-page.ts";

/** What `status` gives one host, ms. */
const timeoutMs = 5_000;

let lab: StatusTeam;
const mute: Server[] = [];
const state = mkdtempSync(join(tmpdir(), "olympus-dashboard-team-"));
beforeAll(async () => {
  // The history of this computer is the test's own.
  process.env.OLYMPUS_STATE = state;
  lab = await statusTeam("127.78.3", hostile);
}, 120_000);
afterAll(async () => {
  for (const server of mute) server.close();
  await lab?.close();
  delete process.env.OLYMPUS_STATE;
  rmSync(state, { recursive: true });
}, 120_000);

const ask = () => teamStatus(lab.team, lab.secrets, new AbortController().signal);
const statesOf = (hosts: readonly HostStatus[]) => Object.fromEntries(hosts.map(({ name, state }) => [name, state]));

test("thirteen hosts are asked side by side: with six agents mute it takes one timeout, not six, and the others answer", async () => {
  const first = performance.now();
  const well = await ask();
  /** What this computer takes today for a round in which nobody is waited for. */
  const quick = performance.now() - first;
  const agents = well.filter(({ kind }) => kind === "agent");
  // The last one has no shell, and others' words in everything that it says.
  expect(agents.map(({ state }) => state)).toEqual([...Array(7).fill("fine"), "broken"]);
  expect(well.find(({ name }) => name === "h1")?.machines).toEqual({ a1: "running", a6: "running" });
  lab.power("a1", "shut off");
  for (const agent of ["a1", "a2", "a3", "a4", "a5", "a6"]) {
    await lab.down(agent);
    const { address } = lab.team.machines.find(({ name }) => name === agent)!;
    // Takes connections, and says nothing ever.
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(18789, address, resolve));
    mute.push(server);
  }
  const began = performance.now();
  const half = await ask();
  const took = performance.now() - began;
  const { a1, a6, a7, a8, h5 } = statesOf(half);
  expect({ a1, a6, a7, a8, h5 }).toEqual({
    a1: "unreachable",
    a6: "unreachable",
    a7: "fine",
    a8: "broken",
    h5: "broken",
  });
  expect(half.find(({ name }) => name === "a1")?.detail).toContain("no answer from 127.78.3.51:18789 within 5 s");
  // Two of the timeouts one after the other would be past this, unless this computer is too busy to tell.
  expect(took).toBeLessThan(2 * timeoutMs + 3 * quick);
  const h1 = half.find(({ name }) => name === "h1");
  expect(h1?.machines).toEqual({ a1: "shut off", a6: "running" });
  expect(h1?.detail).toContain("not running: a1");
}, 180_000);

test("a hypervisor that hangs half-way is told as such in its time, and does not keep a round from its end", async () => {
  lab.hang("h2", true);
  // In place of the SSH server of another one is something that takes connections and says nothing.
  const server = createServer(() => undefined);
  mute.push(server);
  const h4 = lab.team.hypervisors.find(({ name }) => name === "h4")!;
  await new Promise<void>((resolve) => server.listen(0, h4.address, resolve));
  const { port } = server.address() as AddressInfo;
  const hypervisors = lab.team.hypervisors.map((one) => (one === h4 ? { ...one, port } : one));
  const told: string[] = [];
  const tell = ({ name }: HostStatus) => void told.push(name);
  const asked = ["h2", "h3", "h4", "a7"];
  const began = performance.now();
  const { signal } = new AbortController();
  const hung = await teamStatus({ ...lab.team, hypervisors }, lab.secrets, signal, asked, tell, 8_000);
  expect(performance.now() - began).toBeLessThan(16_000);
  lab.hang("h2", false);
  expect(hung.find(({ name }) => name === "h2")).toMatchObject({
    state: "unreachable",
    detail: "libvirt: no answer within 8 s",
    next: "npx olympus doctor h2",
  });
  expect(hung.find(({ name }) => name === "h4")).toMatchObject({
    state: "unreachable",
    detail: "SSH: no answer within 8 s",
  });
  // Like all of them, that one answers that it has no bridge.
  expect(statesOf(hung)).toMatchObject({ h3: "broken", a7: "fine" });
  expect(told.slice(-2).sort()).toEqual(["h2", "h4"]);
}, 120_000);

test("F9 the team's page with half of it down and hostile words: sound at both widths, live without a reload, nothing from elsewhere", async () => {
  await onTeamPage(lab, async (seen, row) => {
    // Hosts of one round: those that are down too, each after its own five seconds.
    await row("a7", "fine").first().waitFor();
    await row("a1", "unreachable").first().waitFor();
    await row("a8", "broken").first().waitFor();
    await row("a1", "shut off on h1").waitFor();
    await expectSound(seen, ["/"]);
    await seen.getByText("live", { exact: true }).waitFor();
    await row("a7", "running on h2").waitFor();
    lab.power("a7", "paused");
    const drifted = { host: "a7", state: "pending", changed: 0, pending: 2 } as const;
    const at = new Date().toISOString();
    await remember(lab.team.name, { v: 1, at, what: "check", who: "mara", ms: 1, exit: 3, hosts: [drifted] });
    await row("a7", "paused on h2").waitFor();
    await row("a7", "attention.*drift: 2 changes").waitFor();
  });
}, 600_000);
