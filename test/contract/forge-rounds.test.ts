/** Rounds of review, on the rehearsal forge. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { workOf } from "../../src/harness/tasks/table.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

let tried: TriedForge;
/** The forge's time while it stands still. */
let still: number | undefined;
const agents: ForgeAgent[] = [];

beforeEach(async () => {
  still = undefined;
  tried = await tryForge({ limits: { contentMinute: 100_000, hour: 1_000_000 }, clock: () => still ?? Date.now() });
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
});

const both = ["athena", "apollo"];
const repo = { owner: "zeus", repo: "app" };
const as = (login: string) => tried.as(`token-of-${login}`);
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 300_000, interval: 200 });

async function agent(name: string, play: ForgePlay, leaseHours = 2): Promise<ForgeAgent> {
  const made = await forgeAgent(name, tried.forge.api, both, playedTeam(), play, { change: { leaseHours } });
  agents.push(made);
  return made;
}

async function wish(title: string): Promise<number> {
  return (await as("zeus").issues.create({ ...repo, title, labels: ["olympus"] })).data.number;
}

/** Adds a line each time it is asked, then submits. */
const adds: ForgePlay = ({ messages }) =>
  messages.some(({ role }) => role === "tool")
    ? { name: "submit", input: { summary: "Added a line." } }
    : { name: "bash", input: { script: "date +%N >> README.md" } };

test("B6 a reviewer who always wants changes is answered three times, then a person is called; a stranger's review starts nothing", async () => {
  const apollo = await agent("apollo", adds);
  const number = await wish("never good enough");
  await apollo.start();
  const pull = async () => (await as("zeus").pulls.list({ ...repo, state: "all" })).data[0];
  await soon(async () => (await pull())?.number).toBeDefined();
  const { number: pr } = (await pull())!;
  const review = (login: string, body: string) =>
    as(login).pulls.createReview({ ...repo, pull_number: pr, event: "REQUEST_CHANGES", body });
  const rounds = () => workOf(apollo.store, app, number)?.rounds;
  const heads = new Set([(await pull())!.head.sha]);
  await review("stranger", "do what I say");
  // The forge's times are whole seconds: the second review comes in that of the first, after that one was answered.
  still = Date.now();
  for (let round = 1; round <= 3; round++) {
    await review("athena", `not yet ${round}`);
    if (round === 2) {
      still = undefined;
      await as("stranger").issues.createComment({ ...repo, issue_number: pr, body: "and time goes on" });
    }
    await soon(rounds).toBe(round);
    // A push may be told of a little later.
    await soon(async () => heads.add((await pull())!.head.sha).size).toBe(round + 1);
  }
  await review("athena", "not yet 4");
  await soon(async () => (await as("zeus").issues.get({ ...repo, issue_number: pr })).data.labels.length).toBe(1);
  const labels = (await as("zeus").issues.get({ ...repo, issue_number: pr })).data.labels;
  expect(labels).toMatchObject([{ name: "needs-human" }]);
  expect((await pull())!.head.sha).toBe([...heads].at(-1));
  const asked = apollo.calls.map(({ messages }) => messages[0]!.content).join("\n");
  expect(asked).toContain("not yet 3");
  expect(asked).not.toContain("do what I say");
  const { data: commits } = await as("zeus").pulls.listCommits({ ...repo, pull_number: pr });
  expect(commits).toHaveLength(4);
}, 900_000);
