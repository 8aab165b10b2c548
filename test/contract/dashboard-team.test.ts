/** The team at a glance over real sshd and real dashboards: what is down costs its own time, and nobody else's. */
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostStatus, teamStatus } from "../../src/status/status.ts";
import { type StatusTeam, statusTeam } from "../support/status-team.ts";

/** What `status` gives one host, ms. */
const timeoutMs = 5_000;

let lab: StatusTeam;
const mute: Server[] = [];
beforeAll(async () => {
  lab = await statusTeam("127.78.3");
}, 120_000);
afterAll(async () => {
  for (const server of mute) server.close();
  await lab?.close();
}, 120_000);

const ask = () => teamStatus(lab.team, lab.secrets, new AbortController().signal);
const statesOf = (hosts: readonly HostStatus[]) => Object.fromEntries(hosts.map(({ name, state }) => [name, state]));

test("thirteen hosts are asked side by side: with six agents mute it takes one timeout, not six, and the others answer", async () => {
  const well = await ask();
  expect(well.filter(({ kind }) => kind === "agent").map(({ state }) => state)).toEqual(Array(8).fill("fine"));
  expect(well.find(({ name }) => name === "h1")?.machines).toEqual({ a1: "running" });
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
    a8: "fine",
    h5: "broken",
  });
  expect(half.find(({ name }) => name === "a1")?.detail).toContain("no answer from 127.78.3.51:18789 within 5 s");
  expect(took).toBeLessThan(4 * timeoutMs);
}, 180_000);
