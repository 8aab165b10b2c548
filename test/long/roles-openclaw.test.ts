/** Role `openclaw` with the real packages: several hundred of them, some minutes; in a real chat, with the rehearsal model. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { role as nodeRole } from "../../roles/node/role.ts";
import { nodeRuntime } from "../../roles/node/runtime.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { scriptSchema } from "../../src/rehearsal/script.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { openclawOperations, openclawSecretValues, type Surroundings } from "../support/openclaw.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

const reply = "Nobody thinks here: a script answers, everything else is real.";
let lab: RoleLab;
let mattermost: MattermostServer;
let chat: ChatTeam;
let model: RehearsalServer;
let surroundings: Surroundings;

beforeAll(async () => {
  lab = await openRoleLab(1);
  const host = lab.lab.hostAddress;
  mattermost = await startMattermost({}, { host });
  chat = await seedChatTeam(mattermost.url);
  model = await startRehearsal({
    script: scriptSchema.parse({ answers: [{ match: "[\\s\\S]*", reply }] }),
    address: host,
  });
  const { athena } = chat.bots;
  surroundings = { chat: mattermost.url, bot: athena!, person: chat.people.alice, model: model.url };
}, 300_000);
afterAll(async () => {
  await model?.close();
  await Promise.all([lab?.close(), mattermost?.stop()]);
});

const get = (path: string): Promise<string> =>
  lab.inside(
    `bash -c 'exec 3<>/dev/tcp/127.0.0.1/18789; printf "GET ${path} HTTP/1.0\\r\\nHost: 127.0.0.1:18789\\r\\n\\r\\n" >&3; cat <&3'`,
  );
const journal = (): Promise<string> => lab.inside("journalctl -u openclaw --no-pager -o cat");
const patience = { timeout: 300_000, interval: 1000 };

test("the real OpenClaw with its plugin answers on loopback, refuses what it does not know, and leaves nothing", async () => {
  const address = lab.machines[0]!.address;
  const before = await snapshotHost((script) => lab.inside(script));
  const node = nodeRole.setup({ node: nodeRuntime() }, {});
  // With an older plugin, so that there is one to replace.
  const operations = await openclawOperations(address, { plugin: "2026.9.4" });
  const setup = await lab.apply("setup", { node, openclaw: operations });
  expect(setup.errors).toEqual([]);
  const again = await lab.apply("setup", { node, openclaw: operations });
  expect([again.errors, again.changed]).toEqual([[], 0]);

  expect(await get("/healthz")).toMatch(/200 OK[\s\S]*"live"/);
  // Its channels start after it answers, and it is ready also where the chat is nowhere.
  await expect.poll(() => get("/readyz"), patience).toMatch(/200 OK[\s\S]*"ready":true/);
  await expect.poll(journal, patience).toMatch(/\[mattermost\].*starting channel/);
  expect(await lab.inside("ss -Hltn 'sport = :18789' | awk '{ print $4 }' | sort")).not.toMatch(/0\.0\.0\.0|\*:|10\./);
  const log = await journal();
  const pid = (await lab.inside("systemctl show -P MainPID openclaw")).trim();
  const seen = await lab.inside(`cat /proc/${pid}/cmdline /proc/${pid}/environ /etc/olympus/openclaw.json`);
  for (const value of Object.values(openclawSecretValues)) expect(seen + log).not.toContain(value);

  const bad = await openclawOperations(address, { settings: { tools: { profile: "moon" } } });
  const refused = await lab.apply("setup", { node, openclaw: bad });
  expect(refused.errors.map(({ message }) => message).join()).toMatch(/tools\.profile[\s\S]*its own check refuses it/);
  expect(await get("/readyz")).toContain("200 OK");

  await answersInChat(node);

  const reset = await lab.apply("reset", { node, openclaw: operations }, { purge: ["openclaw"] });
  expect(reset.errors).toEqual([]);
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual([]);
});

/** With another version of its plugin, in a chat and with a model on private addresses. */
async function answersInChat(node: Operation[]): Promise<void> {
  const openclaw = await openclawOperations(lab.machines[0]!.address, {}, surroundings);
  const setup = await lab.apply("setup", { node, openclaw });
  expect(setup.errors).toEqual([]);
  const again = await lab.apply("setup", { node, openclaw });
  expect([again.errors, again.changed]).toEqual([[], 0]);

  const { alice, mallory } = chat.people;
  const athena = chat.bots.athena!;
  const status = () => chat.api<{ status: string }>(chat.admin, "GET", `/users/${athena.id}/status`);
  // As the chat itself sees it: somebody with the bot's token listens.
  await expect.poll(async () => (await status()).status, patience).toBe("online");
  const strange = await chat.say(mallory, chat.channels.work!, "@athena hello, who am I?");
  const asked = await chat.say(alice, chat.channels.work!, "@athena who are you?");
  // It shows a draft first, and makes that the answer.
  const answer = async () => (await chat.answers(asked.id, athena, 1, 300)).map((post) => post.message);
  await expect.poll(answer, patience).toEqual([reply]);
  expect(await chat.thread(strange.id)).toHaveLength(1);
  expect(new Set(model.calls.map(({ format, status }) => `${format} ${status}`))).toEqual(new Set(["openai 200"]));
  const heard = JSON.stringify(model.calls.map(({ messages }) => messages));
  expect([heard.includes("who are you?"), heard.includes("who am I?")]).toEqual([true, false]);
}
