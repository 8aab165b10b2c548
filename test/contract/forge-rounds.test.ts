/** Rounds of review, on the rehearsal forge. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Forge } from "../../src/harness/forge-port.ts";
import { releaseStale } from "../../src/harness/tasks/claim.ts";
import { marked, originMark } from "../../src/harness/tasks/marks.ts";
import { changeWork, workOf } from "../../src/harness/tasks/table.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent, teamKey } from "../support/forge-agents.ts";
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
  // What was asked and answered fits GitHub\'s description.
  expect(tried.wrong).toEqual([]);
});

const both = ["athena", "apollo"];
const repo = { owner: "zeus", repo: "app" };
const as = (login: string) => tried.as(`token-of-${login}`);
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 300_000, interval: 200 });

async function agent(name: string, play: ForgePlay, wrap?: (forge: Forge) => Forge): Promise<ForgeAgent> {
  const made = await forgeAgent(name, tried.forge.api, both, playedTeam(), play, wrap && { wrap });
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

/** A process that is killed before its first comment of a kind, and the next one after it, before it could note that. */
const killedAround =
  (text: RegExp, kills: string[]) =>
  (forge: Forge): Forge =>
    new Proxy(forge, {
      get(target, field, receiver) {
        const value: unknown = Reflect.get(target, field, receiver);
        if (field !== "comment") return typeof value === "function" ? value.bind(target) : value;
        return async (...given: Parameters<Forge["comment"]>) => {
          const what = text.exec(given[2])?.[0];
          const before = kills.filter((one) => one === what).length;
          if (what !== undefined && before < 2) kills.push(what);
          if (what !== undefined && before === 0) throw new Error("killed before it");
          const made = await target.comment(...given);
          if (what !== undefined && before === 1) throw new Error("killed after it");
          return made;
        };
      },
    });

test("killed after its push, after its comment, before it noted either: a round is told of once and truly, and so is what needs a person", async () => {
  const kills: string[] = [];
  const apollo = await agent("apollo", adds, killedAround(/^(Round \d|I answered 3 rounds)/, kills));
  const number = await wish("say it once");
  await apollo.start();
  const pulls = async () => (await as("zeus").pulls.list({ ...repo, state: "all" })).data;
  await soon(async () => (await pulls()).length).toBe(1);
  const { number: pr } = (await pulls())[0]!;
  const review = () =>
    as("athena").pulls.createReview({ ...repo, pull_number: pr, event: "REQUEST_CHANGES", body: "not yet" });
  const comments = async () =>
    (await as("zeus").issues.listComments({ ...repo, issue_number: pr })).data
      .filter(({ user }) => user?.login === "apollo")
      .map(({ body = "" }) => body);

  await review();
  await soon(() => apollo.ended("rework")).toHaveLength(1);
  expect(workOf(apollo.store, app, number)?.rounds).toBe(1);
  const { data: commits } = await as("zeus").pulls.listCommits({ ...repo, pull_number: pr });
  expect(commits).toHaveLength(2);
  const pushed = new RegExp(`^Round 1 of 3\\. Pushed ${commits[1]!.sha.slice(0, 12)}\\.\n\nAdded a line\\.`);
  expect(await comments()).toEqual([expect.stringMatching(pushed)]);
  expect(apollo.audited().filter((one) => one === `harness push ${app}#${number}`)).toHaveLength(2);

  changeWork(apollo.store, app, number, { rounds: 3 }, 0);
  await review();
  await soon(() => apollo.ended("rework")).toHaveLength(2);
  expect(await comments()).toEqual([expect.anything(), expect.stringMatching(/^I answered 3 rounds of review/)]);
  expect(kills).toEqual(["Round 1", "Round 1", "I answered 3 rounds", "I answered 3 rounds"]);
}, 900_000);

test("killed around its comment, an issue that came to no pull request is told so once", async () => {
  const kills: string[] = [];
  const apollo = await agent("apollo", () => "I will not.", killedAround(/^I did not get to a pull request/, kills));
  const number = await wish("in vain");
  await apollo.start();
  await soon(() => apollo.ended("issue")).toHaveLength(1);
  const { data } = await as("zeus").issues.listComments({ ...repo, issue_number: number });
  expect(data.filter(({ body }) => body?.startsWith("I did not get to"))).toHaveLength(1);
  expect(kills).toHaveLength(2);
}, 900_000);

test("asked again: after three rounds the open pull request is gone on with, after a merge the issue is begun anew", async () => {
  const apollo = await agent("apollo", adds);
  const issue_number = await wish("not enough");
  await apollo.start();
  const pulls = async () =>
    (await as("zeus").pulls.list({ ...repo, state: "all", sort: "created", direction: "asc" })).data;
  await soon(async () => (await pulls()).length).toBe(1);
  const { number: pull_number } = (await pulls())[0]!;
  const labels = async () => (await as("zeus").issues.get({ ...repo, issue_number: pull_number })).data.labels.length;
  await soon(() => workOf(apollo.store, app, issue_number)?.state).toBe("opened");
  changeWork(apollo.store, app, issue_number, { rounds: 3 }, 0);
  await as("athena").pulls.createReview({ ...repo, pull_number, event: "REQUEST_CHANGES", body: "not yet" });
  await soon(labels).toBe(1);
  await soon(() => apollo.ended("rework").length).toBe(1);
  const assign = () => as("zeus").issues.addAssignees({ ...repo, issue_number, assignees: ["apollo"] });
  await assign();
  await soon(async () => (await as("zeus").pulls.listCommits({ ...repo, pull_number })).data.length).toBe(2);
  await soon(() => workOf(apollo.store, app, issue_number)?.rounds).toBe(1);
  expect(await labels()).toBe(0);
  expect(apollo.ended("issue").map(({ outcome }) => outcome)).toEqual([
    `done: pull request #${pull_number}`,
    `done: pull request #${pull_number} is open`,
  ]);

  await as("zeus").pulls.merge({ ...repo, pull_number, merge_method: "squash" });
  await soon(() => workOf(apollo.store, app, issue_number)?.state).toBe("merged");
  await as("zeus").issues.removeAssignees({ ...repo, issue_number, assignees: ["apollo"] });
  await as("zeus").issues.update({ ...repo, issue_number, state: "open" });
  await assign();
  await soon(async () => (await pulls()).map(({ state, head }) => [state, head.ref])).toEqual([
    ["closed", `olympus/issue-${issue_number}`],
    ["open", `olympus/issue-${issue_number}`],
  ]);
  await soon(() => apollo.ended("issue").length).toBe(3);
  const { data: commits } = await as("zeus").pulls.listCommits({ ...repo, pull_number: (await pulls())[1]!.number });
  expect(commits).toHaveLength(1);
}, 900_000);

test("C15 its pull request is closed by a person while a review is answered: it stops, says so once in the thread, pushes nothing more; the claim is free again", async () => {
  const chat = playedTeam();
  let busy = 0;
  let later = 0;
  const apollo = await forgeAgent(
    "apollo",
    tried.forge.api,
    both,
    chat,
    (request) =>
      request.messages[0]!.content.includes("was reviewed")
        ? { name: "bash", input: { script: `echo ${++busy} >> README.md; sleep 0.2` } }
        : adds(request),
    { now: () => Date.now() + later },
  );
  agents.push(apollo);
  const root = chat.say("alice-id", "work", "one more line, please");
  const origin = { chain: "c", hops: 1, channelId: "work", rootId: root.id };
  const body = marked("A line.", teamKey, originMark, { repo: app, login: "athena" }, origin);
  const { data: issue } = await as("athena").issues.create({ ...repo, title: "a line", body, labels: ["olympus"] });
  await apollo.start();
  await soon(() => workOf(apollo.store, app, issue.number)?.state).toBe("opened");
  const pull_number = workOf(apollo.store, app, issue.number)!.pull!;
  const pull = async () => (await as("zeus").pulls.get({ ...repo, pull_number })).data;
  const { head } = await pull();
  await as("zeus").pulls.createReview({ ...repo, pull_number, event: "REQUEST_CHANGES", body: "not yet" });
  await soon(() => busy).toBeGreaterThan(0);
  await as("zeus").pulls.update({ ...repo, pull_number, state: "closed" });
  await soon(() => apollo.ended("rework")).toMatchObject([{ outcome: "done: the pull request is closed" }]);
  const said = () => chat.thread(root.id).flatMap(({ authorId, text }) => (authorId === "apollo-id" ? [text] : []));
  await soon(() => said().filter((text) => text.includes("I stopped working on"))).toEqual([
    `I stopped working on ${app}#${pull_number}: the pull request is closed.`,
  ]);
  await soon(() => workOf(apollo.store, app, issue.number)?.state).toBe("closed");
  await apollo.stop();
  later = 3 * 3600_000;
  expect(await releaseStale(apollo.parts, app, new AbortController().signal)).toEqual([issue.number]);
  expect((await pull()).head.sha).toBe(head.sha);
  expect(apollo.audited().filter((one) => one.startsWith("harness push"))).toHaveLength(1);
  const told = (await as("zeus").issues.listComments({ ...repo, issue_number: issue.number })).data.at(-1)!.body;
  expect(told).toMatch(new RegExp(`^#${pull_number} was closed unmerged: this is free again\\.`));
  expect(said().filter((text) => text.includes("I stopped working on"))).toHaveLength(1);
}, 900_000);
