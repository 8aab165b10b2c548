/** Role `openclaw` with the real packages: several hundred of them, some minutes; in a real chat, with the rehearsal model. */
import { connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { role as nodeRole } from "../../roles/node/role.ts";
import { nodeRuntime } from "../../roles/node/runtime.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript } from "../../src/rehearsal/script.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { openclawOperations, openclawSecretValues, type Surroundings } from "../support/openclaw.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
let mattermost: MattermostServer;
let door: Server;
let chat: ChatTeam;
let model: RehearsalServer;
let surroundings: Surroundings;

beforeAll(async () => {
  [lab, mattermost] = await Promise.all([openRoleLab(1), startMattermost()]);
  const { hostAddress } = lab.lab;
  chat = await seedChatTeam(mattermost.url);
  // The server listens on 127.0.0.1; the machine reaches it through this computer's leg in its network.
  door = createServer((inside) => {
    const outside = connect(mattermost.port, "127.0.0.1");
    inside.pipe(outside).pipe(inside);
    for (const socket of [inside, outside]) socket.on("error", () => inside.destroy());
  });
  await new Promise<void>((resolve) => door.listen(mattermost.port, hostAddress, resolve));
  model = await startRehearsal({ script: loadScript(), address: hostAddress });
  const { id, token } = chat.bots.athena!;
  const { alice } = chat.people;
  surroundings = {
    chat: `http://${hostAddress}:${mattermost.port}`,
    bot: { id, token },
    person: { id: alice.id, name: alice.name },
    model: model.url,
  };
}, 300_000);
afterAll(async () => {
  door?.close();
  await model?.close();
  await Promise.all([lab?.close(), mattermost?.stop()]);
});

const get = (path: string): Promise<string> =>
  lab.inside(
    `bash -c 'exec 3<>/dev/tcp/127.0.0.1/18789; printf "GET ${path} HTTP/1.0\\r\\nHost: 127.0.0.1:18789\\r\\n\\r\\n" >&3; cat <&3'`,
  );
const journal = (): Promise<string> => lab.inside("journalctl -u openclaw --no-pager -o cat");
const patience = { timeout: 100_000, interval: 1000 };

test("the real OpenClaw with its plugin answers on loopback, refuses what it does not know, and leaves nothing", async () => {
  const address = lab.machines[0]!.address;
  const before = await snapshotHost((script) => lab.inside(script));
  const node = nodeRole.setup({ node: nodeRuntime() }, {});
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

  // The same by its own plugin, in a chat and with a model on private addresses.
  const reaching = await openclawOperations(address, {}, surroundings);
  expect((await lab.apply("setup", { node, openclaw: reaching })).errors).toEqual([]);
  console.error(await journal(), JSON.stringify(model.calls));
  const { alice, mallory } = chat.people;
  const athena = chat.bots.athena!;
  await expect.poll(journal, patience).toMatch(/\[mattermost\] .*connected/);
  const stranger = await chat.say(mallory, chat.channels.work!, "@athena hello, I am a stranger");
  const asked = await chat.say(alice, chat.channels.work!, "@athena who are you?");
  let answers: unknown;
  try {
    answers = await chat.answers(asked.id, athena, 1, 300);
  } catch (error) {
    answers = String(error);
  }
  console.error(
    await journal(),
    JSON.stringify(model.calls).slice(0, 20000),
    answers,
    await chat.thread(stranger.id),
    await chat.thread(asked.id),
  );
  const reset = await lab.apply("reset", { node, openclaw: operations }, { purge: ["openclaw"] });
  expect(reset.errors).toEqual([]);
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual([]);
});
