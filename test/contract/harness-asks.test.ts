/** What a run may do only with a person's yes, in a real Mattermost: the run waits, people say it, it goes on. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { linksAfter } from "../../src/harness/audit/audit.ts";
import { mattermostChat } from "../../src/harness/chat/mattermost.ts";
import { systemClock } from "../../src/harness/clock.ts";
import { Harness } from "../../src/harness/harness.ts";
import { silentLog } from "../../src/harness/log.ts";
import { Workshop } from "../../src/harness/loop/workshop.ts";
import { sdkCaller } from "../../src/harness/model/caller.ts";
import { openStore, type Store } from "../../src/harness/store/open.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { scriptSchema } from "../../src/rehearsal/script.ts";
import { agentConfig } from "../support/agent-config.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { plainSandbox } from "../support/plain-sandbox.ts";

const dir = mkdtempSync(join(tmpdir(), "olympus-asks-"));
const script = scriptSchema.parse({
  answers: [
    { match: "please clean up", tools: [{ name: "work", input: { task: "TASK: clean up" } }] },
    { match: "^TASK: clean up", tools: [{ name: "bash", input: { script: "echo rm -rf build >did; cat did" } }] },
    { match: "rm -rf build", with: "submit", tools: [{ name: "submit", input: { summary: "It is clean." } }] },
    { match: "It is clean", reply: "Done: it is clean." },
    { match: "how many customers", tools: [{ name: "read_sensitive", input: { name: "customers", why: "to count" } }] },
    { match: "alice, bob", reply: "There are two." },
    { match: "not read", reply: "I was not allowed to look." },
  ],
});

let mattermost: MattermostServer;
let team: ChatTeam;
let model: RehearsalServer;
let store: Store;
let harness: Harness;
const athena = () => team.bots.athena!;

beforeAll(async () => {
  mattermost = await startMattermost();
  team = await seedChatTeam(mattermost.url);
  model = await startRehearsal({ script });
  writeFileSync(join(dir, "customers"), "alice, bob\n");
  const { alice, bob } = team.people;
  const config = agentConfig({
    chat: {
      url: mattermost.url,
      botId: athena().id,
      people: [
        { id: alice.id, name: alice.name, command: true, approve: ["destructive", "sensitive"] },
        { id: bob.id, name: bob.name, command: true, approve: ["merge"] },
      ],
    },
    models: [{ provider: "rehearsal", model: "rehearsal", baseUrl: model.url }],
    sandbox: {},
    dataDir: dir,
    policy: {
      destructive: { commands: ["rm -rf"] },
      sensitive: [{ name: "customers", about: "who they are", file: join(dir, "customers") }],
    },
  });
  store = openStore(dir);
  harness = new Harness({
    config,
    store,
    chat: mattermostChat({ url: mattermost.url, token: new Secret("t", athena().token), botId: athena().id }),
    models: sdkCaller(() => undefined),
    clock: systemClock(),
    log: silentLog,
    workshop: new Workshop(async () => ({ sandbox: plainSandbox(join(dir, "workspaces")), hosts: [] }), silentLog),
  });
  await harness.start();
});
afterAll(async () => {
  await harness?.stop();
  await model?.close();
  await mattermost?.stop();
  store?.close();
  rmSync(dir, { recursive: true, force: true });
});

const patient = { timeout: 300_000 };

/** What the agent asks people in a post's thread. */
async function question(root: string) {
  const find = async () => (await team.answers(root, athena())).find(({ message }) => message.includes("!approve"));
  await expect.poll(find, patient).toBeDefined();
  return (await find())!;
}
const says = (root: string, text: string) =>
  expect
    .poll(async () => (await team.thread(root)).map(({ message }) => message), patient)
    .toContainEqual(expect.stringContaining(text));
const react = (who: "alice" | "bob" | "mallory", post: string) =>
  team.api(team.people[who], "POST", "/reactions", {
    user_id: team.people[who].id,
    post_id: post,
    emoji_name: "white_check_mark",
  });
const refusals = () =>
  linksAfter(store, 0, 100_000)
    .map(({ entry }) => JSON.parse(entry) as { kind: string; actor: string })
    .flatMap(({ kind, actor }) => (kind === "refusal" ? actor : []));

test("F14 a marked command waits in its thread for a reaction of somebody who may, and for nobody else's", async () => {
  const { alice, bob, mallory } = team.people;
  const asked = await team.say(bob, team.channels.work!, "@athena please clean up");
  const post = await question(asked.id);
  expect(post.message).toContain("may I run this? `rm -rf` is marked as destructive.");
  await react("mallory", post.id);
  await react("bob", post.id);
  await says(asked.id, "That does not open it: bob may not approve: destructive");
  const both = [mallory, bob].map(({ id }) => `mattermost:${id}`).sort();
  await expect.poll(() => refusals().sort(), patient).toEqual(both);
  expect((await team.thread(asked.id)).some(({ message }) => message.includes("Done"))).toBe(false);
  await react("alice", post.id);
  await says(asked.id, "Done: it is clean.");
  const opened = linksAfter(store, 0, 100_000).map(({ entry }) => JSON.parse(entry) as Record<string, unknown>);
  expect(opened.find(({ kind, what }) => kind === "gate" && what === "opened")).toMatchObject({
    actor: `mattermost:${alice.id}`,
    evidence: { person: alice.name, with: `reaction to ${post.id}` },
  });
}, 900_000);

test("declared data comes into a conversation after a word in its thread, or does not", async () => {
  const { alice, bob } = team.people;
  const asked = await team.say(bob, team.channels.work!, "@athena how many customers are there?");
  const post = await question(asked.id);
  const id = /!approve ([0-9a-f]{10})/.exec(post.message)![1]!;
  await team.say(alice, team.channels.work!, `!approve ${id}`, asked.id);
  await says(asked.id, "There are two.");
  // It was this run's alone: nothing of it is told in the thread while it works, and nothing stays.
  const kept = () =>
    ["turns", "steps", "outbox", "audit", "meta"].flatMap((table) =>
      store.all(`SELECT * FROM ${table}`).map((row) => JSON.stringify(row)),
    );
  await expect.poll(() => kept().filter((row) => row.includes("alice, bob")), patient).toEqual([]);
  expect(kept().filter((row) => row.includes("read_sensitive: released"))).toHaveLength(1);
  expect((await team.thread(asked.id)).map(({ message }) => message).join()).not.toContain("alice, bob");
  const again = await team.say(bob, team.channels.work!, "@athena how many customers are there now?");
  const other = /!refuse ([0-9a-f]{10})/.exec((await question(again.id)).message)![1]!;
  expect(other).not.toBe(id);
  await team.say(alice, team.channels.work!, `!refuse ${other}`, again.id);
  await says(again.id, "I was not allowed to look.");
}, 900_000);

test("a gate asked for before its person was renamed is opened by that person, not by who took the name; the next question calls the new one", async () => {
  const { alice, bob } = team.people;
  const ask = async () => {
    const asked = await team.say(bob, team.channels.work!, "@athena how many customers are there?");
    const { message } = await question(asked.id);
    return { root: asked.id, message, id: /!approve ([0-9a-f]{10})/.exec(message)![1]! };
  };
  const first = await ask();
  expect(first.message).toMatch(/^@alice: /);
  await team.api(team.admin, "PUT", `/users/${alice.id}/patch`, { username: "alice.berg" });
  const other = await team.addPerson("alice2");
  await team.api(team.admin, "PUT", `/users/${other.id}/patch`, { username: "alice" });
  await team.api(team.admin, "POST", `/channels/${team.channels.work}/members`, { user_id: other.id });
  await team.say(other, team.channels.work!, `@athena !approve ${first.id}`, first.root);
  await expect.poll(() => refusals().includes(`mattermost:${other.id}`), patient).toBe(true);
  const second = await ask();
  expect(second.message).toMatch(/^@alice\.berg: /);
  expect((await team.thread(first.root)).some(({ message }) => message.includes("There are two"))).toBe(false);
  for (const { root, id } of [first, second]) {
    await team.say(alice, team.channels.work!, `!approve ${id}`, root);
    await says(root, "There are two.");
  }
}, 900_000);
