/** What a chat server refuses: an agent that is removed from a channel, and a server that counts requests. Against a real Mattermost. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChatPostRow } from "../support/chat-team.ts";
import { openProxiedAgent, type ProxiedAgent } from "../support/proxied-agent.ts";

let stage: ProxiedAgent;
let team: ProxiedAgent["team"];
let model: ProxiedAgent["model"];
let proxy: ProxiedAgent["proxy"];
const athena = () => team.bots.athena!;
const status = () => stage.status();

beforeAll(async () => {
  stage = await openProxiedAgent();
  ({ team, model, proxy } = stage);
});

afterAll(() => stage?.close());

test("A18 removed from a channel while it works: the run fails once, the server is asked no more than it must be, others go on", async () => {
  const { alice } = team.people;
  // A private one: in an open one the team's rights let anybody post.
  const { id } = await team.api<{ id: string }>(team.admin, "POST", "/channels", {
    team_id: team.teamId,
    name: "closed",
    display_name: "closed",
    type: "P",
  });
  for (const user of [alice, athena()])
    await team.api(team.admin, "POST", `/channels/${id}/members`, { user_id: user.id });
  const asked = await team.say(alice, id, "@athena held back");
  await expect.poll(() => JSON.stringify(model.calls).includes("held back"), { timeout: 60_000 }).toBe(true);
  await team.api(team.admin, "DELETE", `/channels/${id}/members/${athena().id}`);
  const run = async () => (await status()).runs.find((one) => one.id.startsWith(asked.id));
  const before = proxy.requests();
  await expect.poll(async () => (await run())?.state, { timeout: 60_000 }).toBe("failed");
  expect(proxy.requests() - before).toBeLessThanOrEqual(3);
  expect(model.calls.filter((call) => JSON.stringify(call).includes("held back"))).toHaveLength(1);
  const other = await team.say(alice, team.channels.work!, "@athena who are you?");
  expect(await team.answers(other.id, athena(), 1, 60)).toHaveLength(1);
  expect((await status()).runs.filter(({ state }) => state === "failed")).toHaveLength(1);
  // An answer is seen before its run has ended.
  await expect.poll(async () => (await status()).harness).toMatchObject({ running: [], waiting: 0, undelivered: 0 });
});

test("A17 Mattermost lets each account ask twice a second: of a burst nothing is lost or doubled, and waiting is no storm", async () => {
  const { alice, bob } = team.people;
  const RateLimitSettings = { Enable: true, PerSec: 2, MaxBurst: 12, VaryByUser: true, VaryByRemoteAddr: false };
  await team.api(team.admin, "PUT", "/config/patch", { RateLimitSettings });
  await stage.mattermost.restart();
  await expect.poll(async () => (await status()).harness.chat, { timeout: 60_000 }).toBe("connected");
  const many = Array.from({ length: 30 }, () =>
    fetch(`${team.url}/api/v4/users/me`, { headers: { authorization: `Bearer ${team.people.mallory.token}` } }),
  );
  expect((await Promise.all(many)).map((response) => response.status)).toContain(429);
  const requests = proxy.requests();
  const began = Date.now();
  const posts: ChatPostRow[] = [];
  for (const user of [alice, bob])
    for (let n = 0; n < 10; n++)
      posts.push(await team.say(user, team.channels.work!, `@athena hello ${user.name} ${n}`));
  // Every few seconds: whoever looks is counted too.
  const answered = async (): Promise<string[]> => {
    const page = `/channels/${team.channels.work}/posts?per_page=200`;
    const list = await team.api<{ posts: Record<string, ChatPostRow> }>(team.admin, "GET", page);
    const own = Object.values(list.posts).filter(({ user_id }) => user_id === athena().id);
    return own.map(({ root_id }) => root_id).filter((id) => posts.some((post) => post.id === id));
  };
  const all = posts.map(({ id }) => id).sort();
  const slowly = { timeout: 300_000, interval: 3000 };
  await expect.poll(async () => (await answered()).length, slowly).toBeGreaterThanOrEqual(posts.length);
  await expect.poll(async () => (await status()).harness.running.length, slowly).toBe(0);
  const took = (Date.now() - began) / 1000;
  expect((await answered()).sort()).toEqual(all);
  const asked = proxy.requests() - requests;
  process.stderr.write(`harness-limits: ${asked} requests for ${posts.length} mentions in ${took.toFixed(0)} s\n`);
  expect(asked).toBeLessThanOrEqual(posts.length * 10);
}, 400_000);
