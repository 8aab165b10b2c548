import { expect, test } from "vitest";
import { Secret } from "../base/secret.ts";
import { dashboardApp } from "./server.ts";
import type { AgentStatus } from "./status.ts";

const status: AgentStatus = {
  version: 1,
  agent: "athena",
  team: "<b>lab</b>",
  rehearsal: true,
  models: ["rehearsal/rehearsal"],
  startedAt: 0,
  now: 1,
  memoryMb: 70,
  spentToday: 0.1,
  budgetDay: 5,
  harness: {
    chat: "connected",
    reason: undefined,
    connectedAt: 1,
    caughtUpAt: 1,
    waiting: 0,
    running: [],
    undelivered: 0,
    draining: false,
  },
  runs: [
    {
      id: "r",
      lane: "l",
      kind: "mention",
      state: "failed",
      outcome: "<script>alert(1)</script>",
      author: "a",
      started_at: 0,
      ended_at: 1500,
      usd: 0.01,
    },
  ],
  dropped: [],
  tools: { state: "none" },
};
const day = {
  day: "2026-11-21",
  provider: "openai",
  model: "gpt-5",
  calls: 1,
  failed: 0,
  inputTokens: 10,
  cachedTokens: 5,
  outputTokens: 2,
  usd: 0.5,
  tookMs: 900,
};
const token = "a-long-dashboard-token";
const host = "10.220.1.50:18789";
const make = (now: AgentStatus = status) =>
  dashboardApp(
    {
      agent: "athena",
      address: "10.220.1.50",
      port: 18789,
      hosts: [],
      token: new Secret("t", token),
      status: () => now,
      cost: (days) => [{ ...day, calls: days }],
    },
    () => new Set([host]),
  );
const get = (path: string, headers: Record<string, string> = {}, app = make()) =>
  app.request(`http://${host}${path}`, { headers: { host, ...headers } });
const bearer = { authorization: `Bearer ${token}` };

test("F1 without the token every page is closed, but bare health", async () => {
  expect((await get("/")).status).toBe(401);
  expect((await get("/api/status")).status).toBe(401);
  expect((await get("/nowhere")).status).toBe(401);
  expect((await get("/", { authorization: "Bearer wrong" })).status).toBe(401);
  expect((await get("/", { accept: "text/html" })).headers.get("location")).toBe("/login");
  expect(await (await get("/healthz")).json()).toEqual({ status: "ok" });
  expect(await (await get("/readyz")).json()).toEqual({ status: "ready" });
});

test("F3 a token in the address is no token", async () => {
  expect((await get(`/?token=${token}`)).status).toBe(401);
});

test("G6 not ready while disconnected, catching up or draining", async () => {
  for (const change of [{ chat: "disconnected" }, { caughtUpAt: undefined }, { draining: true }] as const) {
    const response = await get("/readyz", {}, make({ ...status, harness: { ...status.harness, ...change } }));
    expect([response.status, await response.json()]).toEqual([503, { status: "degraded" }]);
  }
});

test("F9 what others wrote is shown as text, under a strict policy", async () => {
  const response = await get("/", bearer);
  const html = await response.text();
  expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(html).not.toContain("<b>lab</b>");
  expect(html).toContain('<span class="label">rehearsal</span>');
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(response.headers.get("cache-control")).toBe("no-store");
});

test("an answer that was dropped is shown with its reason", async () => {
  const dropped = [{ run: "p1-1", at: 5, reason: "HTTP 403: <no> permission" }];
  const html = await (await get("/", bearer, make({ ...status, dropped }))).text();
  expect(html).toContain("Answers that could not be delivered");
  expect(html).toContain("HTTP 403: &lt;no&gt; permission");
  expect(await (await get("/", bearer)).text()).not.toContain("could not be delivered");
});

test("F2 a foreign Host or Origin is turned away, even with the token", async () => {
  const app = make();
  const rebound = await app.request("http://evil.example/", { headers: { host: "evil.example", ...bearer } });
  expect(rebound.status).toBe(421);
  expect((await get("/", { ...bearer, origin: "http://evil.example" })).status).toBe(403);
  expect((await get("/", { ...bearer, origin: `http://${host}` })).status).toBe(200);
});

test("logging in by the form opens a session, logging out ends it", async () => {
  const app = make();
  const login = (value: string) =>
    app.request(`http://${host}/login`, {
      method: "POST",
      headers: {
        host,
        "content-type": "application/x-www-form-urlencoded",
        "content-length": String(value.length + 6),
      },
      body: `token=${value}`,
    });
  expect((await login("wrong")).status).toBe(401);
  const response = await login(token);
  expect(response.status).toBe(303);
  const cookie = response.headers.get("set-cookie")!;
  expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
  expect(cookie).not.toContain(token);
  const session = { cookie: cookie.split(";")[0]! };
  expect((await get("/", session, app)).status).toBe(200);
  await app.request(`http://${host}/logout`, { method: "POST", headers: { host, ...session } });
  expect((await get("/", session, app)).status).toBe(401);
});

test("while a token replaces another, both let in, and nothing else", async () => {
  const options = {
    agent: "athena",
    address: "10.220.1.50",
    port: 18789,
    hosts: [],
    cost: () => [],
    status: () => status,
  };
  const app = dashboardApp({ ...options, token: new Secret("t", "new-token\nold-token\n") }, () => new Set([host]));
  const answers = ["new-token", "old-token", "", "new-token\nold-token", "new"].map((given) =>
    get("/api/status", { authorization: `Bearer ${encodeURIComponent(given)}` }, app),
  );
  expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([200, 200, 401, 401, 401]);
});

test("G7 that there are no tools is said: in one word to anybody, with its reason to whoever has the token", async () => {
  const app = make({ ...status, tools: { state: "off", reason: "<i>no bubblewrap</i>" } });
  expect(await (await get("/readyz", {}, app)).json()).toEqual({ status: "ready", tools: "off" });
  expect(await (await get("/", bearer, app)).text()).toContain("&lt;i&gt;no bubblewrap&lt;/i&gt;");
});

test("what days cost is told to whoever has the token, for as many days as there may be", async () => {
  expect((await get("/api/cost")).status).toBe(401);
  const answer = await get("/api/cost?days=7", bearer);
  expect(await answer.json()).toEqual({ version: 1, agent: "athena", days: [{ ...day, calls: 7 }] });
  for (const days of ["0", "367", "x", "1.5"]) expect((await get(`/api/cost?days=${days}`, bearer)).status).toBe(400);
});
