/** A lens that refuses, and a person who lets a change pass in spite of it: from the issue to the merge, on a forge whose branch is protected. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { linksAfter } from "../../src/harness/audit/audit.ts";
import { marked, originMark } from "../../src/harness/tasks/marks.ts";
import { type TriedForge, tryForge, world } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent, teamKey } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

let tried: TriedForge;
const agents: ForgeAgent[] = [];
const [first, ...others] = world.repositories!;

beforeEach(async () => {
  tried = await tryForge({
    limits: { contentMinute: 100_000, hour: 1_000_000 },
    world: { ...world, repositories: [{ ...first!, protect: { reviews: 1, admins: true } }, ...others] },
  });
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
  expect(tried.wrong).toEqual([]);
});

const repo = { owner: "zeus", repo: "app" };
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 120_000, interval: 200 });

const refuses: ForgePlay = () => ({
  name: "finish_review",
  input: { verdict: "changes", summary: "A greeting tells strangers that somebody is there.", findings: [] },
});

/** Works on the issue, and does not agree with its review. */
const insists: ForgePlay = ({ messages }) =>
  messages[0]!.content.includes("was reviewed") || messages.some(({ role }) => role === "tool")
    ? { name: "submit", input: { summary: "It has to greet: that is the issue." } }
    : { name: "bash", input: { script: "echo hello >> README.md" } };

test("a lens refuses, its gate is named in the thread, a person overrules it there, another word approves it, it is merged; the log says who and why", async () => {
  const chat = playedTeam();
  for (const [name, play] of [
    ["athena", refuses],
    ["apollo", insists],
  ] as const) {
    const change = name === "athena" ? { repositories: [{ name: app, work: false }] } : {};
    agents.push(await forgeAgent(name, tried.forge.api, ["athena", "apollo"], chat, play, { change, policy: {} }));
  }
  const [, apollo] = agents as [ForgeAgent, ForgeAgent];
  for (const agent of agents) await agent.start();
  const root = chat.say("alice-id", "work", "the README should say hello");
  const say = (text: string) => chat.say("alice-id", "work", text, { rootId: root.id });
  const said = () =>
    chat
      .thread(root.id)
      .flatMap(({ authorId, text, marker }) => (authorId === "apollo-id" && (marker?.part ?? 0) >= 0 ? [text] : []));
  const origin = { chain: "c", hops: 1, channelId: "work", rootId: root.id };
  const body = marked("Hello.", teamKey, originMark, { repo: app, login: "athena" }, origin);
  await tried.as("token-of-athena").issues.create({ ...repo, title: "Say hello", body, labels: ["olympus"] });

  await soon(said).toContainEqual(expect.stringMatching(/!overrule [0-9a-f]{10} security/));
  const [, id] = /!overrule ([0-9a-f]{10})/.exec(said().join("\n"))!;
  await soon(() => apollo.ended("rework")).toMatchObject([{ outcome: "done: nothing to change" }]);
  say(`!approve ${id}`);
  await soon(said).toContainEqual("That does not open it: lenses have not passed: security.");
  // Who was renamed meanwhile is the same person, and called by the new name.
  chat.addUser("alice-id", "alice.berg");
  say(`!overrule ${id} security it is a greeting`);
  await soon(said).toContainEqual("Noted: security is overruled.");
  await soon(said).toContainEqual(expect.stringMatching(/^@alice\.berg: \[#2\].* waits for an approval \(merge\)/));
  const zeus = tried.as("token-of-zeus");
  const pull = async () => (await zeus.pulls.get({ ...repo, pull_number: 2 })).data;
  const { head } = await pull();
  await zeus.pulls.createReview({ ...repo, pull_number: 2, event: "APPROVE", commit_id: head.sha });
  await soon(said).toContainEqual(expect.stringMatching(/^Merged .*, approved by alice\.$/));
  expect((await pull()).merged).toBe(true);

  const log = linksAfter(apollo.store, 0, 1000).map(
    ({ entry }) => JSON.parse(entry) as { what: string; actor: string; evidence?: object },
  );
  expect(log.filter(({ what }) => what === "overruled")).toMatchObject([
    {
      actor: "mattermost:alice-id",
      evidence: { gate: id, lens: "security", reason: "it is a greeting", person: "alice" },
    },
  ]);
  expect(log.filter(({ what }) => what === "merge")).toHaveLength(1);
}, 300_000);
