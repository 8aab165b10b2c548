/** What happens around an agent's work: another configuration, people who are renamed or made anew. Against a real Mattermost. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript, scriptSchema } from "../../src/rehearsal/script.ts";
import {
  type AgentFolder,
  type AgentProcess,
  agentFolder,
  runUntilExit,
  startAgentProcess,
} from "../support/agent-process.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";

const script = scriptSchema.parse({
  answers: [
    { match: "slow (\\w+)", reply: "slow answer $1", delay: 3 },
    { match: "your facts", reply: "$facts" },
    ...loadScript().answers,
  ],
});
const root = mkdtempSync(join(tmpdir(), "olympus-life-"));
let mattermost: MattermostServer;
let team: ChatTeam;
let model: RehearsalServer;
let folder: AgentFolder;
let agent: AgentProcess;

beforeAll(async () => {
  mattermost = await startMattermost();
  team = await seedChatTeam(mattermost.url);
  model = await startRehearsal({ script });
  folder = await agentFolder(join(root, "athena"), team, model.url);
  agent = await startAgentProcess(folder);
});
afterAll(async () => {
  await agent?.stop("SIGKILL");
  await model?.close();
  await mattermost?.stop();
  rmSync(root, { recursive: true, force: true });
});

const answersTo = async (text: string, by = team.people.alice) => {
  const post = await team.say(by, team.channels.work!, text);
  return team.answers(post.id, team.bots.athena!, 1, 60);
};
const logged = (text: string, count = 1) =>
  expect.poll(() => agent.log().split(text).length - 1, { timeout: 60_000 }).toBe(count);

test("a reload takes the new configuration and drops no turn", async () => {
  const post = await team.say(team.people.alice, team.channels.work!, "@athena slow turn");
  await expect.poll(() => JSON.stringify(model.calls).includes("slow turn"), { timeout: 60_000 }).toBe(true);
  const config = JSON.parse(readFileSync(folder.configFile, "utf8")) as { facts: string[] };
  writeFileSync(folder.configFile, JSON.stringify({ ...config, facts: ["hypervisor r930 at 10.220.1.9"] }));
  process.kill(agent.pid, "SIGHUP");
  const during = await team.say(team.people.bob, team.channels.work!, "@athena who are you?");
  await logged('"reloaded"');
  expect((await team.answers(post.id, team.bots.athena!, 1, 60)).map(({ message }) => message)).toEqual([
    "slow answer turn",
  ]);
  expect(await team.answers(during.id, team.bots.athena!, 1, 60)).toHaveLength(1);
  expect((await answersTo("@athena your facts?"))[0]!.message).toContain("r930");
});

test("G3 a configuration that is cut off never replaces the good one, which goes on", async () => {
  const good = readFileSync(folder.configFile, "utf8");
  writeFileSync(folder.configFile, good.slice(0, good.length / 2));
  process.kill(agent.pid, "SIGHUP");
  await logged("the new configuration is wrong, the one before stays");
  expect(agent.log()).toContain("E-AGENT-CONFIG");
  expect((await answersTo("@athena your facts?"))[0]!.message).toContain("r930");
  writeFileSync(folder.configFile, good);
});

test("G3 a database that is cut off, overwritten or of another kind is refused by name and left as it is; from a copy all goes on, once", async () => {
  const answered = await team.say(team.people.alice, team.channels.work!, "@athena who are you, before?");
  await team.answers(answered.id, team.bots.athena!, 1, 60);
  await agent.stop();
  const file = join(folder.dir, "data", "harness.sqlite");
  const good = readFileSync(file);
  const waiting = await team.say(team.people.bob, team.channels.work!, "@athena who are you, after?");
  const damaged = [
    good.subarray(0, good.length / 2),
    good.subarray(0, 100),
    Buffer.concat([Buffer.alloc(8192, "x"), good.subarray(8192)]),
    Buffer.from("not a database"),
  ];
  for (const bytes of damaged) {
    writeFileSync(file, bytes);
    const { code, log } = await runUntilExit(folder.configFile);
    expect(code).toBe(2);
    expect(log).toMatch(/"code":"E-AGENT-DATABASE".*restore the file from a backup.*cannot open the agent's database/);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  }
  writeFileSync(file, good);
  agent = await startAgentProcess(folder);
  for (const { id } of [answered, waiting]) await team.answers(id, team.bots.athena!, 1, 60);
  for (const { id } of [answered, waiting]) expect(await team.answers(id, team.bots.athena!)).toHaveLength(1);
});

test("a person who is renamed keeps rights; somebody new of the old name has none", async () => {
  const { alice } = team.people;
  await team.api(team.admin, "PUT", `/users/${alice.id}/patch`, { username: "alice-renamed" });
  expect((await answersTo("@athena who are you?"))[0]!.message).toContain("I am athena");
  const password = "Rehearsal-2026!";
  const taken = { username: "alice", email: "second@example.com", password };
  const { id } = await team.api<{ id: string }>(team.admin, "POST", "/users", taken);
  await team.api(team.admin, "POST", `/teams/${team.teamId}/members`, { team_id: team.teamId, user_id: id });
  await team.api(team.admin, "POST", `/channels/${team.channels.work}/members`, { user_id: id });
  const login = await fetch(`${mattermost.url}/api/v4/users/login`, {
    method: "POST",
    body: JSON.stringify({ login_id: "alice", password }),
  });
  const calls = model.calls.length;
  const second = { id, name: "alice", token: login.headers.get("token")! };
  expect((await answersTo("@athena who are you?", second))[0]!.message).toContain("only for people");
  expect(model.calls).toHaveLength(calls);
});

test("A20 the machine's clock is ten minutes slow, then right again: nothing lost or doubled", async () => {
  // Read by Node before the program.
  const slowClock = "const now = Date.now; Date.now = () => now() - 600000;";
  const slow = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(slowClock)}` };
  const { bob } = team.people;
  const say = (text: string) => team.say(bob, team.channels.work!, `@athena who are you ${text}?`);
  const posts = [await say("while the clock is right")];
  await team.answers(posts[0]!.id, team.bots.athena!, 1, 120);
  await agent.stop("SIGKILL");
  posts.push(await say("while you are down, before the clock is slow"));
  agent = await startAgentProcess(folder, "readyz", slow);
  posts.push(await say("while the clock is slow"));
  for (const { id } of posts) await team.answers(id, team.bots.athena!, 1, 120);
  await agent.stop("SIGKILL");
  posts.push(await say("while you are down, after the clock was slow"));
  agent = await startAgentProcess(folder);
  posts.push(await say("when all is well again"));
  for (const { id } of posts) await team.answers(id, team.bots.athena!, 1, 120);
  for (const { id } of posts) expect(await team.answers(id, team.bots.athena!)).toHaveLength(1);
});

test("G6 begun without its chat server it stays, says so and asks in bounded measure; when the server comes, what waited is answered once", async () => {
  const { bob } = team.people;
  const say = (text: string) => team.say(bob, team.channels.work!, `@athena who are you ${text}?`);
  await agent.stop();
  const posts = [await say("before the server went")];
  await mattermost.kill();
  agent = await startAgentProcess(folder, "healthz");
  const refused = /no access to the chat server yet/g;
  await expect.poll(() => agent.log().match(refused)?.length ?? 0, { timeout: 60_000 }).toBeGreaterThan(3);
  const on = `http://127.0.0.1:${folder.port}`;
  const headers = { authorization: `Bearer ${folder.dashboardToken}` };
  const status = async () => (await (await fetch(`${on}/api/status`, { headers })).json()) as { harness: object };
  expect((await fetch(`${on}/readyz`)).status).toBe(503);
  expect((await status()).harness).toMatchObject({
    chat: "connecting",
    reason: expect.stringContaining("ECONNREFUSED"),
  });
  await mattermost.start();
  posts.push(await say("when the server is there"));
  for (const { id } of posts) await team.answers(id, team.bots.athena!, 1, 120);
  for (const { id } of posts) expect(await team.answers(id, team.bots.athena!)).toHaveLength(1);
  await expect.poll(async () => (await fetch(`${on}/readyz`)).status, { timeout: 60_000 }).toBe(200);
  // Waits grow to 15 s.
  expect(agent.log().match(refused)!.length).toBeLessThan(40);
});
