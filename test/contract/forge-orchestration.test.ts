/** What an agent that plans does on the rehearsal forge: splits and hands out, asks after stale work, sums up the day. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nudgeDue, type RoundsParts, sumUpDue } from "../../src/harness/duties/rounds.ts";
import { orchestrationSchema } from "../../src/harness/duties/schema.ts";
import { splitTool } from "../../src/harness/duties/split.ts";
import { ForgeError } from "../../src/harness/forge-port.ts";
import type { ForgePayload } from "../../src/harness/forge-work.ts";
import type { PostPayload } from "../../src/harness/intake.ts";
import { claim } from "../../src/harness/tasks/claim.ts";
import { createIssueTool } from "../../src/harness/tasks/create-issue.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

const where = { owner: "zeus", repo: "app" };
const never = new AbortController().signal;
const hour = 3600_000;
let tried: TriedForge;
let shift = 0;
const now = () => Date.now() + shift;
const agents: ForgeAgent[] = [];

beforeEach(async () => {
  shift = 0;
  tried = await tryForge({ limits: { contentMinute: 100_000, hour: 1_000_000 }, clock: now });
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
  // What was asked and answered fits GitHub\'s description.
  expect(tried.wrong).toEqual([]);
});

const zeus = () => tried.as("token-of-zeus");
const post: PostPayload = {
  id: "post-1",
  channelId: "work",
  rootId: "post-1",
  authorId: "alice-id",
  text: "the app needs pages, a search and a login",
  createdAt: 1,
  direct: false,
  hops: 0,
};

const apolloWorks = {
  agents: [{ login: "apollo", name: "apollo", lenses: ["security"], works: [app] }],
};
async function agent(name: string, play: ForgePlay = () => "", chat = playedTeam()) {
  const change = name === "athena" ? apolloWorks : {};
  const made = await forgeAgent(name, tried.forge.api, ["athena", "apollo"], chat, play, { change });
  agents.push(made);
  return { ...made, parts: { ...made.parts, clock: { ...made.parts.clock, now } } };
}

const issues = async () =>
  (await zeus().issues.listForRepo({ ...where, state: "all", sort: "created", direction: "asc" })).data
    .filter(({ pull_request }) => pull_request === undefined)
    .map(({ number, title, body, assignees, labels }) => ({
      number,
      title,
      body: body ?? "",
      for: assignees?.map(({ login }) => login),
      labels: labels.map((label) => (typeof label === "string" ? label : label.name)).sort(),
    }));
const comments = async (issue_number: number) =>
  (await zeus().issues.listComments({ ...where, issue_number })).data.map(({ body = "" }) => body);
const open = async (title: string, assignees: string[] = []) =>
  (await zeus().issues.create({ ...where, title, labels: ["olympus"], assignees })).data.number;

const plan = {
  request: "Pages, a search and a login",
  parts: [
    { title: "Pages", body: "Ten a page.", priority: "P1" },
    { title: "Search", body: "By title." },
    { title: "Login\nhidden-word", body: "With a password.", lens: "security" },
  ],
};

test("a larger request becomes issues that name one another, handed out by load and fit; said again it makes nothing new", async () => {
  const { parts } = await agent("athena");
  // apollo has two already.
  for (const title of ["old", "older"]) await open(title, ["apollo"]);
  const redact = (text: string) => text.replaceAll("hidden-word", "[secret:word]");
  const split = (run: string) => splitTool(parts, createIssueTool(parts, run, post, redact), post, redact);
  const { text } = await split("run-1").run(plan, never);
  expect(text).toMatch(
    /^opened zeus\/app#3: \S+, for athena\nopened zeus\/app#4: \S+, for athena\nopened zeus\/app#5: \S+, for apollo\n/,
  );
  const made = (await issues()).slice(2);
  expect(made).toMatchObject([
    { title: "Pages", for: ["athena"], labels: ["P1", "olympus"] },
    { title: "Search", for: ["athena"], labels: ["olympus"] },
    { title: "Login [secret:word]", for: ["apollo"], labels: ["olympus"] },
  ]);
  expect(made[1]!.body).toContain("Part 2 of 3 of: Pages, a search and a login. All of them are named at #3.");
  expect(await comments(3)).toMatchObject([expect.stringContaining("- [ ] #4 Search\n- [ ] #5 Login [secret:word]")]);
  // A former process was killed after it.
  await split("run-1").run(plan, never);
  expect([(await issues()).length, (await comments(3)).length]).toEqual([5, 1]);
}, 600_000);

test("a model whose plan is none makes one issue of the request, from a mention on", async () => {
  const chat = playedTeam();
  const play: ForgePlay = ({ messages, tools }) => {
    const last = messages.at(-1)!;
    if (last.role === "tool") return `Done: ${/https?:\S+/.exec(last.content)?.[0]}`;
    expect(tools?.map(({ name }) => name)).toContain("split_request");
    return { name: "split_request", input: { request: "A shop", parts: "first the pages, then the login" } };
  };
  const athena = await agent("athena", play, chat);
  Object.assign(athena.parts.config, { orchestration: orchestrationSchema.parse({}) });
  await athena.start();
  const asked = chat.say("alice-id", "work", "@athena please build a shop");
  const said = () =>
    chat
      .thread(asked.id)
      .map(({ text }) => text)
      .join("\n");
  await expect.poll(said, { timeout: 300_000 }).toContain("Done: http");
  expect(await issues()).toMatchObject([
    { title: "A shop", for: [], body: expect.stringContaining("please build a shop") as string },
  ]);
}, 600_000);

/** Rounds as athena makes them, in a channel of her own. */
async function rounds() {
  const chat = playedTeam();
  chat.addChannel("operations", ["athena-id", "alice-id"]);
  chat.nameChannel("olympus/operations", "operations");
  const athena = await agent("athena", () => "", chat);
  const settings = orchestrationSchema.parse({ rounds: { channel: "olympus/operations", summary: "17:30" } }).rounds!;
  const client = chat.client("athena-id");
  const parts: RoundsParts = { ...athena.parts, chat: client, rounds: settings };
  const posts = () =>
    client
      .page({ id: "operations", direct: false, lastPostAt: 0 }, undefined)
      .then((all) => all.map(({ text }) => text));
  return { parts, posts, client };
}

test("work on which nothing moved is asked after once in each period, whoever asks; what nobody has is given to somebody", async () => {
  const made = await rounds();
  const [first] = made.parts.settings.repositories;
  // One that is not to be seen keeps nothing from the others.
  const settings = { ...made.parts.settings, repositories: [{ ...first!, name: "zeus/gone" }, first!] };
  const parts = { ...made.parts, settings };
  const apollo = await agent("apollo");
  const [claimed, nobody, given] = [await open("claimed"), await open("nobody"), await open("given", ["apollo"])];
  const base = (await zeus().git.getRef({ ...where, ref: "heads/main" })).data.object.sha;
  const payload = { repo: app, number: claimed, channelId: "", rootId: "", hops: 0 } as ForgePayload;
  await claim(apollo.parts, "run-1", payload, { chain: "c", base }, never);
  await zeus().issues.create({ ...where, title: "nobody's business" });
  const nudges = async () =>
    (await Promise.all([claimed, nobody, given].map(comments))).map((all) =>
      all.filter((body) => body.startsWith("Nothing moved")),
    );
  const counts = async () => (await nudges()).map(({ length }) => length);

  await nudgeDue(parts);
  shift = 23 * hour;
  await nudgeDue(parts);
  expect(await counts()).toEqual([0, 0, 0]);
  shift = 30 * hour;
  await nudgeDue(parts);
  expect((await nudges()).map(([one]) => one?.split("\n")[0])).toEqual([
    "Nothing moved here for 30 hours. @apollo: is something in the way? Say so here, or give it back.",
    "Nothing moved here for 30 hours. Nobody has taken it up: @athena, please do.",
    "Nothing moved here for 30 hours. @apollo: is something in the way? Say so here, or give it back.",
  ]);
  expect((await issues()).find(({ number }) => number === nobody)?.for).toEqual(["athena"]);
  // Another process, whose database knows nothing of it.
  const other = await rounds();
  await nudgeDue(other.parts);
  shift = 53 * hour;
  await nudgeDue(parts);
  expect(await counts()).toEqual([1, 1, 1]);
  // One of them moves.
  await zeus().issues.createComment({ ...where, issue_number: claimed, body: "I looked at it." });
  shift = 61 * hour;
  await nudgeDue(parts);
  expect(await counts()).toEqual([1, 2, 2]);
}, 600_000);

test("the day is summed up once, from what the forge shows, also when the first try fails; a quiet day says so", async () => {
  const { parts, posts, client } = await rounds();
  const start = Date.UTC(2026, 10, 20, 12);
  shift = start - Date.now();
  await sumUpDue(parts);
  const [done, left] = [await open("Say @apollo [hello](http://evil.example)"), await open("left", ["apollo"])];
  await zeus().issues.update({ ...where, issue_number: done, state: "closed" });
  await sumUpDue(parts);
  expect(await posts()).toEqual([]);
  shift += 6 * hour;
  // The forge does not answer in the middle, then the chat does not.
  let asked = 0;
  const forge = new Proxy(parts.forge, {
    get(target, field, receiver) {
      const value: unknown = Reflect.get(target, field, receiver);
      if (field !== "events" || asked++ > 0) return value;
      return () => Promise.reject(new ForgeError("retry", "away"));
    },
  });
  const down = { ...parts.chat, channelNamed: () => Promise.reject(new Error("the chat is away")) };
  await expect(sumUpDue({ ...parts, forge })).rejects.toThrow("away");
  await expect(sumUpDue({ ...parts, chat: down })).rejects.toThrow("the chat is away");
  await sumUpDue(parts);
  await sumUpDue(parts);
  const [text, ...more] = await posts();
  expect(more).toEqual([]);
  expect(text).toMatch(
    /^\*\*The day, 2026-11-20\*\*\n- Closed: \[#1\]\(\S+\) Say @\u200bapollo hello http: \/\/evil\.example\n/,
  );
  expect(text).toContain("- Opened: [#1]");
  expect(text).toMatch(new RegExp(`\\n- In work: \\[#${left}\\]\\(\\S+\\) left \\(apollo\\)$`));
  shift += 24 * hour;
  await sumUpDue({ ...parts, chat: client });
  expect((await posts()).find((one) => one !== text)).toMatch(
    /^\*\*The day, 2026-11-21\*\*\nNothing happened\.\n- In work: \[#2\]\(\S+\) left \(apollo\)$/,
  );
}, 600_000);
