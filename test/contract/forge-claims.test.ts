/** Claims on the rehearsal forge. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ForgePayload } from "../../src/harness/forge-work.ts";
import { claim, releaseStale } from "../../src/harness/tasks/claim.ts";
import { workOf } from "../../src/harness/tasks/table.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

let tried: TriedForge;
const agents: ForgeAgent[] = [];

beforeEach(async () => {
  tried = await tryForge({ limits: { contentMinute: 100_000, hour: 1_000_000 } });
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
});

const both = ["athena", "apollo"];
const repo = { owner: "zeus", repo: "app" };
const as = (login: string) => tried.as(`token-of-${login}`);
const never = new AbortController().signal;

async function agent(name: string, play: ForgePlay, leaseHours = 2): Promise<ForgeAgent> {
  const made = await forgeAgent(name, tried.forge.api, both, playedTeam(), play, { change: { leaseHours } });
  agents.push(made);
  return made;
}

async function wish(title: string): Promise<number> {
  return (await as("zeus").issues.create({ ...repo, title, labels: ["olympus"] })).data.number;
}

const base = async () => (await as("zeus").git.getRef({ ...repo, ref: "heads/main" })).data.object.sha;
const payload = (number: number) => ({ repo: app, number, channelId: "", rootId: "", hops: 0 }) as ForgePayload;

test("a claim outlives its agent's database; one whose agent does not come back is free again, and taken by another", async () => {
  const number = await wish("lost");
  const origin = { chain: "c", base: await base() };
  const first = await agent("athena", () => "", 1e-6);
  const held = await claim(first.parts, "run-1", payload(number), origin, never);
  expect(held).toMatchObject({ branch: `olympus/issue-${number}` });
  // The same run, after a crash, and an agent whose database was lost, whose claim the forge remembers.
  expect((await claim(first.parts, "run-1", payload(number), origin, never))?.comment).toBe(held?.comment);
  const other = await agent("apollo", () => "");
  expect(await claim(other.parts, "run-2", payload(number), origin, never)).toBeUndefined();
  expect(workOf(other.store, app, number)).toBeUndefined();
  expect(await releaseStale(other.parts, app)).toEqual([number]);
  expect(await releaseStale(other.parts, app)).toEqual([]);
  expect(await claim(other.parts, "run-3", payload(number), origin, never)).toMatchObject({ run: "run-3" });
});

test("a branch that nobody said to have made is free again after a lease: its agent was ended between the two, for good", async () => {
  const number = await wish("half claimed");
  await as("apollo").git.createRef({ ...repo, ref: `refs/heads/olympus/issue-${number}`, sha: await base() });
  const patient = await agent("apollo", () => "");
  expect(await releaseStale(patient.parts, app)).toEqual([]);
  expect(await releaseStale(patient.parts, app)).toEqual([]);
  const athena = await agent("athena", () => "", 1e-4);
  expect(await releaseStale(athena.parts, app)).toEqual([]);
  await expect.poll(() => releaseStale(athena.parts, app), { timeout: 60_000 }).toEqual([number]);
  const origin = { chain: "c", base: await base() };
  expect(await claim(athena.parts, "run-1", payload(number), origin, never)).toMatchObject({ run: "run-1" });
}, 600_000);
