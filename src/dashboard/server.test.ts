import { type IncomingMessage, request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { adminToken, host, readToken, type SampleDashboard, sampleDashboard } from "../../test/support/dashboard.ts";
import { grantLine, scopes } from "../base/grants.ts";
import { Secret } from "../base/secret.ts";
import { linksAfter } from "../harness/audit/audit.ts";
import { wishGate } from "../harness/gates/book.ts";
import { acts } from "./acts.ts";
import { dashboardApp } from "./app.ts";
import { startDashboard } from "./server.ts";
import type { AgentStatus } from "./status.ts";

let sample: SampleDashboard | undefined;
const open = (filled = true): SampleDashboard => {
  sample = sampleDashboard(undefined, filled);
  return sample;
};
afterEach(() => {
  sample?.close();
  sample = undefined;
});

const origin = { origin: `http://${host}` };
const read = { authorization: `Bearer ${readToken}` };
const admin = { authorization: `Bearer ${adminToken}` };
const routes = [
  "/",
  "/runs",
  "/memory",
  "/log",
  "/settings",
  "/nowhere",
  "/api/status",
  "/api/events",
  "/api/openapi.json",
  "/metrics",
];

function post(
  on: SampleDashboard,
  path: string,
  fields: Record<string, string> | string,
  headers: Record<string, string> = origin,
) {
  const json = typeof fields === "string";
  const body = json ? fields : new URLSearchParams(fields).toString();
  return on.request(
    path,
    {
      "content-type": json ? "application/json" : "application/x-www-form-urlencoded",
      "content-length": String(body.length),
      ...headers,
    },
    { method: "POST", body },
  );
}

const cookieOf = (response: Response) => ({ cookie: response.headers.get("set-cookie")!.split(";")[0]! });

/** As `olympus open athena` does it. */
async function signIn(on: SampleDashboard, person = "alice") {
  const { code } = (await (await post(on, "/api/links", JSON.stringify({ person }), admin)).json()) as { code: string };
  return { code, session: cookieOf(await post(on, "/login", { code })) };
}

test("F1 without a token every route is closed, but bare health", async () => {
  const on = open();
  for (const path of routes) {
    expect([path, (await on.request(path)).status]).toEqual([path, 401]);
    expect((await on.request(path, { authorization: "Bearer wrong" })).status).toBeGreaterThanOrEqual(401);
  }
  expect((await on.request("/", { accept: "text/html" })).headers.get("location")).toBe("/login");
  expect(await (await on.request("/healthz")).json()).toEqual({ status: "ok" });
  expect(await (await on.request("/readyz")).json()).toEqual({ status: "ready" });
});

test("F2 a foreign Host or Origin is turned away, upgrades too, even with the cookie", async () => {
  const on = open();
  const { session } = await signIn(on);
  const { app } = dashboardApp(on.options, () => new Set([host]));
  expect((await app.request("http://evil.example/", { headers: { host: "evil.example", ...read } })).status).toBe(421);
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const behindProxy = { "x-forwarded-host": host, "x-forwarded-for": "127.0.0.1" };
  for (const path of routes)
    for (const more of [{}, upgrade, behindProxy])
      expect((await on.request(path, { ...session, ...more, origin: "http://evil.example" })).status).toBe(403);
  expect((await on.request("/", { ...session, origin: "null" })).status).toBe(403);
  expect(
    (await on.request("/api/status", { ...session, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }))
      .status,
  ).toBe(403);
  expect((await on.request("/", { ...session, ...origin })).status).toBe(200);
  // A form without a word on where it comes from, with the cookie of somebody.
  expect((await post(on, "/memory/1/forget", {}, session)).status).toBe(403);
});

test("F3 a token in the address is no token, and an address of a gateway leads nowhere", async () => {
  const on = open();
  for (const query of [`token=${adminToken}`, `access_token=${adminToken}`, "gatewayUrl=ws://evil.example"]) {
    expect((await on.request(`/?${query}`)).status).toBe(401);
    expect(await (await on.request(`/?${query}`, read)).text()).not.toContain("evil.example");
  }
  expect((await on.request("/", read)).headers.get("referrer-policy")).toBe("same-origin");
});

test("F7 a token that may only read changes nothing, whatever it says of itself", async () => {
  const on = open();
  for (const path of [
    ...acts.flatMap(({ path }) => [path, `/api${path}`].map((one) => one.replace(":id", "p3-1"))),
    "/api/gates/1/approve",
    "/api/links",
  ]) {
    const claims = { ...read, "x-scopes": "admin", "x-openclaw-scopes": "operator.admin" };
    expect([
      path,
      (await post(on, path, JSON.stringify({ scopes: ["admin"], person: "alice" }), claims)).status,
    ]).toEqual([path, 403]);
  }
  // Nor does one with every scope, as nobody in particular.
  expect((await post(on, "/api/memory/1/forget", "{}", admin)).status).toBe(403);
  const carol = await signIn(on, "carol");
  expect((await post(on, "/memory/1/forget", {}, { ...origin, ...carol.session })).status).toBe(403);
  for (const path of ["/runs/p3-1/stop", "/api/runs/p3-1/stop", "/pause"])
    expect((await post(on, path, {}, { ...origin, ...carol.session })).status).toBe(403);
  expect(await (await on.request("/", carol.session)).text()).not.toContain("/runs/p3-1/stop");
  expect(on.options.look.run("p3-1")?.state).toBe("running");
  expect(on.options.look.notes("", 9)).toHaveLength(2);
  const alice = await signIn(on);
  expect((await post(on, "/memory/1/forget", {}, { ...origin, ...alice.session })).status).toBe(303);
  expect(on.options.look.notes("", 9)).toHaveLength(1);
  expect((await post(on, "/memory/1/forget", {}, { ...origin, ...alice.session })).status).toBe(409);
  const audited = linksAfter(on.store, 0, 99).filter(({ entry }) => entry.includes('"what":"forget"'));
  expect(audited.map(({ entry }) => entry)).toEqual([expect.stringMatching(/"dashboard:alice".*"note #1"/)]);
});

test("F11 nothing that writes configuration or runs a command is a route", () => {
  const on = open();
  const { app } = dashboardApp(on.options, () => new Set([host]));
  const writing = app.routes.filter(({ method }) => !["GET", "ALL"].includes(method)).map(({ path }) => path);
  const doing = [
    "/memory/:id/forget",
    "/runs/:id/stop",
    "/runs/:id/retry",
    "/pause",
    "/resume",
    "/gates/:id/approve",
    "/gates/:id/refuse",
  ];
  const known = ["/login", "/logout", "/api/links", ...doing, ...doing.map((path) => `/api${path}`), "/*"];
  expect([...new Set(writing)].sort()).toEqual(known.sort());
});

test("who may act is shown how, is told what came of it, and what cannot be done says why", async () => {
  const on = open();
  const alice = { ...origin, ...(await signIn(on)).session };
  const page = async (path: string) => (await on.request(path, alice)).text();
  expect(await page("/")).toContain('action="/runs/p3-1/stop"');
  expect(await page("/runs/p1-1")).toContain('action="/runs/p1-1/retry"');
  const stopped = await post(on, "/runs/p3-1/stop", {}, alice);
  expect([stopped.status, stopped.headers.get("location")]).toEqual([303, "/runs/p3-1"]);
  expect(on.options.look.run("p3-1")).toMatchObject({ state: "failed", outcome: "stopped by alice" });
  const again = await post(on, "/runs/p3-1/stop", {}, alice);
  expect([again.status, await again.text()]).toEqual([409, expect.stringContaining("It is over already.")]);
  const none = await post(on, "/api/runs/none/retry", "{}", alice);
  expect([none.status, await none.json()]).toEqual([409, { error: "Only what somebody asked for can be done again." }]);
  const [, approve] = /action="(\/gates\/\w+\/approve)"/.exec(await page("/gates"))!;
  expect((await post(on, approve!, {}, alice)).headers.get("location")).toBe("/gates");
  expect(await page("/gates")).toContain("alice opened it");
  expect((await post(on, approve!, {}, alice)).status).toBe(409);
  expect((await post(on, "/api/pause", "{}", alice)).status).toBe(200);
  expect((await post(on, "/pause", {}, alice)).status).toBe(409);
});

test("F7 whoever may approve opens gates here as in the chat, also without the right to give tasks, and does nothing else", async () => {
  const on = open();
  const dora = { ...origin, ...(await signIn(on, "dora")).session };
  const page = async (path: string) => (await on.request(path, dora)).text();
  const wish = { action: "merge", kinds: ["deploy"], approvers: undefined, run: "r", repo: "o/r", number: 7 } as const;
  const { id } = wishGate(on.store, { ...wish, author: "x", lenses: [], commit: "a".repeat(40) }, on.now, 24);
  expect(await page("/gates")).toContain(`/gates/${id}/approve`);
  expect(await page("/")).not.toContain("/runs/p3-1/stop");
  for (const path of ["/runs/p3-1/stop", "/pause", "/memory/1/forget"])
    expect([path, (await post(on, path, {}, dora)).status]).toEqual([path, 403]);
  expect((await post(on, `/gates/${id}/approve`, {}, dora)).status).toBe(303);
  expect(await page("/gates")).toContain("dora opened it");
});

test("F8 the log names nothing that lets in: no token, code or cookie, whether it was right or wrong", async () => {
  const on = open();
  const { session } = await signIn(on);
  await post(on, "/login", { token: adminToken, person: "alice" }, origin);
  await post(on, "/login", { token: "wrong-token-0123456789" }, origin);
  await post(on, "/login", { code: "wrong-code-0123456789" }, origin);
  await on.request("/api/status", { authorization: "Bearer wrong-bearer-0123456789" });
  await post(on, "/pause", {}, { ...origin, ...session });
  const log = JSON.stringify(on.options.look.log("debug", "", 500));
  expect(log).toContain("done from the dashboard");
  const cookie = /=([^;]+)/.exec(session.cookie)![1]!;
  for (const secret of [adminToken, cookie, "wrong-token", "wrong-code", "wrong-bearer"])
    expect([secret, log.includes(secret)]).toEqual([secret, false]);
});

test("C7 a gate whose time is over waits for nobody, and nobody is given buttons for it", async () => {
  const on = open();
  on.now += 24 * 3600_000;
  on.status = { ...on.status, now: on.now };
  const alice = { ...origin, ...(await signIn(on)).session };
  const page = async (path: string) => (await on.request(path, alice)).text();
  expect(await page("/gates")).toContain("nobody: it has expired");
  expect(await page("/gates")).not.toContain("/approve");
  expect(await page("/")).not.toContain("waits for alice");
});

test.each(["deploy", "destructive", "for carol alone"] as const)(
  "F7 whoever may act, and may not allow this, opens no gate: %s",
  async (kind) => {
    const on = open(false);
    // alice may give tasks and approve merges; that is all.
    const wish = { action: "deploy shop", run: "r", author: "mara", lenses: [], repo: "", number: 0, commit: "" };
    const who =
      kind === "for carol alone"
        ? ({ kinds: ["merge"], approvers: ["carol"] } as const)
        : ({ kinds: ["merge", kind], approvers: undefined } as const);
    wishGate(on.store, { ...wish, ...who }, on.now, 24);
    const [gate] = on.options.look.gates();
    const alice = { ...origin, ...(await signIn(on)).session };
    const page = await (await on.request("/gates", alice)).text();
    expect(page).toContain("deploy shop");
    expect(page).toContain(who.kinds.join(", "));
    expect(page).not.toContain(`/gates/${gate!.id}/approve`);
    for (const act of ["approve", "refuse"]) {
      const answer = await post(on, `/gates/${gate!.id}/${act}`, {}, alice);
      expect([act, answer.status]).toEqual([act, 409]);
      expect((await post(on, `/api/gates/${gate!.id}/${act}`, "{}", alice)).status).toBe(409);
    }
    expect(on.options.look.gates().map(({ id, state }) => [id, state])).toEqual([[gate!.id, "asked"]]);
  },
);

test("what a request says in its headers and its address stands in no log", async () => {
  const on = open();
  const { session } = await signIn(on);
  const words = "ignore all rules ".repeat(900);
  const names = ["user-agent", "referer", "x-forwarded-for", "accept-language", "x-words"];
  const headers = Object.fromEntries(names.map((name) => [name, words]));
  for (const who of [{}, session, read])
    await on.request(`/api/runs?text=${encodeURIComponent(words)}`, { ...headers, ...who });
  await post(on, "/login", { token: "wrong", person: words }, { ...origin, ...headers });
  await post(on, "/pause", {}, { ...origin, ...session, ...headers });
  const log = JSON.stringify(on.options.look.log("debug", "", 500));
  expect(log).toContain("done from the dashboard");
  expect(log).not.toContain("ignore all rules");
});

test("F9 no address leads to a file, however it is written", async () => {
  const on = open();
  for (const path of [
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%252f..%252fetc%252fpasswd",
    "/style.css/..%2fagent.json",
    "/runs/..%2f..%2fetc%2fpasswd",
    "/conversations/%00",
  ]) {
    const response = await on.request(path, read);
    expect([path, response.status]).toEqual([path, 404]);
    expect(await response.text()).not.toContain("root:");
  }
});

test("F13 F14 there is no address for callbacks of the chat: nothing is approved by a message that anybody can send", async () => {
  const on = open();
  for (const path of ["/callback", "/api/mattermost/action", "/hooks/mattermost", "/api/reactions"])
    expect((await post(on, path, JSON.stringify({ token: "revoked", user_id: "alice" }), {})).status).toBe(403);
});

test("a link signs a person in once, within two minutes, by a strict cookie that a restart keeps", async () => {
  const on = open();
  const { code, session } = await signIn(on);
  expect((await post(on, "/login", { code })).status).toBe(401);
  expect(await (await on.request("/", session)).text()).toContain("Signed in as alice");
  const again = dashboardApp(on.options, () => new Set([host])).app;
  expect((await again.request(`http://${host}/`, { headers: { host, ...session } })).status).toBe(200);
  const late = (await (await post(on, "/api/links", JSON.stringify({ person: "alice" }), admin)).json()) as {
    code: string;
  };
  on.now += 121_000;
  expect((await post(on, "/login", { code: late.code })).status).toBe(401);
  expect((await post(on, "/api/links", JSON.stringify({ person: "eve" }), admin)).status).toBe(400);
  await post(on, "/logout", {}, { ...origin, ...session });
  expect((await on.request("/", session)).status).toBe(401);
});

test("the form takes the token, in a person's name or nobody's", async () => {
  const on = open();
  expect((await post(on, "/login", { token: "wrong" })).status).toBe(401);
  expect(await (await post(on, "/login", { token: adminToken, person: "eve" })).text()).toContain(
    "no person of this name",
  );
  const response = await post(on, "/login", { token: adminToken, person: "alice" });
  expect(response.headers.get("set-cookie")).toMatch(/^olympus-athena=[\w-]{32}; Path=\/; HttpOnly; SameSite=Strict$/);
  expect((await post(on, "/login", { token: "x".repeat(5000) })).status).toBe(413);
  on.now += 13 * 3600_000;
  expect((await on.request("/", cookieOf(response))).status).toBe(401);
});

test("F7 a person's own token is good for that person alone, with their rights, while the team file names them", async () => {
  const on = open();
  const served = (...lines: string[]) =>
    dashboardApp({ ...on.options, token: new Secret("t", lines.join("\n")) }, () => new Set([host])).app;
  const app = served(
    grantLine("of-alice", ["read", "act"], undefined, "alice"),
    grantLine("of-carol", ["read", "act"], "2126-01-31", "carol"),
    grantLine("of-eve", scopes, undefined, "eve"),
    grantLine("of-alices-links", scopes, undefined, "alice"),
  );
  const ask = async (token: string, path: string, body: string, headers: Record<string, string> = {}) =>
    app.request(`http://${host}${path}`, {
      method: "POST",
      body,
      headers: {
        host,
        "content-type": "application/json",
        "content-length": String(body.length),
        authorization: `Bearer ${token}`,
        ...headers,
      },
    });
  const statusOf = async (...words: Parameters<typeof ask>) => (await ask(...words)).status;
  // carol may not give tasks, and nobody is called eve.
  expect(await statusOf("of-carol", "/api/pause", "{}")).toBe(403);
  expect(await statusOf("of-eve", "/api/pause", "{}")).toBe(401);
  expect(await statusOf("of-alice", "/api/pause", "{}")).toBe(200);
  const audited = linksAfter(on.store, 0, 99).map(({ entry }) => entry);
  expect(audited.at(-1)).toContain("dashboard:alice");

  const form = (token: string, person?: string) => {
    const body = new URLSearchParams({ token, ...(person === undefined ? {} : { person }) }).toString();
    const headers = { host, ...origin, "content-type": "application/x-www-form-urlencoded" };
    return app.request(`http://${host}/login`, {
      method: "POST",
      body,
      headers: { ...headers, "content-length": String(body.length) },
    });
  };
  expect(await (await form("of-carol", "alice")).text()).toContain("This token is carol&#39;s own.");
  expect((await form("of-eve")).status).toBe(401);
  const session = cookieOf(await form("of-alice"));
  expect(await (await app.request(`http://${host}/`, { headers: { host, ...session } })).text()).toContain(
    "Signed in as alice",
  );
  expect(await statusOf("of-alices-links", "/api/links", JSON.stringify({ person: "carol" }))).toBe(400);
  expect(await statusOf("of-alices-links", "/api/links", JSON.stringify({ person: "alice" }))).toBe(200);
});

test("F8 a token that was replaced or ran out lets nobody in, nor those who signed in with it, and ends its streams", async () => {
  const on = open();
  expect((await on.request("/", { authorization: "Bearer old-token" })).status).toBe(401);
  const { session } = await signIn(on);
  const rotated = { ...on.options, token: new Secret("t", grantLine("new-token", scopes)) };
  const { app } = dashboardApp(rotated, () => new Set([host]));
  for (const headers of [admin, session])
    expect((await app.request(`http://${host}/`, { headers: { host, ...headers } })).status).toBe(401);
  const stream = (await on.request("/api/events", session)).body!.getReader();
  expect(new TextDecoder().decode((await stream.read()).value)).toContain("retry");
  await post(on, "/logout", {}, { ...origin, ...session });
  for (let done = false; !done; ) ({ done } = await stream.read());
  expect(on.streams.open).toBe(0);
});

test("F8 a rotation's restart ends the streams that the old token opened, and they do not come back", async () => {
  const on = open();
  const { session } = await signIn(on);
  const served = await startDashboard({ ...on.options, address: "127.0.0.1", port: 0 });
  const events = (port: number) =>
    fetch(`http://127.0.0.1:${port}/api/events`, { headers: { ...session, "last-event-id": "1" } });
  const stream = (await events(served.port)).body!.getReader();
  expect((await stream.read()).done).toBe(false);
  const began = performance.now();
  await served.close();
  const rest = async () => {
    while (!(await stream.read()).done);
  };
  // It ends in order or is cut off.
  await rest().catch(() => undefined);
  expect(performance.now() - began).toBeLessThan(5_000);
  const again = await startDashboard({
    ...on.options,
    address: "127.0.0.1",
    port: 0,
    token: new Secret("t", grantLine("new-token", scopes)),
  });
  try {
    expect((await events(again.port)).status).toBe(401);
  } finally {
    await again.close();
  }
});

test("wrong tokens from one address make it wait, and nobody else; who is signed in stays", async () => {
  const on = open();
  const { session } = await signIn(on);
  const app = dashboardApp(on.options, () => new Set([host])).app;
  const from = (remoteAddress: string, headers: Record<string, string>) =>
    app.request(
      `http://${host}/api/cost`,
      { headers: { host, ...headers } },
      { incoming: { socket: { remoteAddress } } },
    );
  for (let wrong = 0; wrong < 8; wrong++)
    expect(
      (await from(wrong % 2 === 0 ? "10.0.0.9" : "::ffff:10.0.0.9", { authorization: `Bearer ${wrong}` })).status,
    ).toBe(401);
  expect((await from("::ffff:a00:9", admin)).status).toBe(429);
  expect((await from("10.0.0.8", admin)).status).toBe(200);
  expect((await from("10.0.0.9", session)).status).toBe(200);
  on.now += 11_000;
  expect((await from("10.0.0.9", admin)).status).toBe(200);
  // Whoever has one that may only read guesses no more than others: the next wrong one waits twice as long.
  expect((await from("10.0.0.9", read)).status).toBe(200);
  expect((await from("10.0.0.9", { authorization: "Bearer wrong" })).status).toBe(401);
  on.now += 19_000;
  expect((await from("10.0.0.9", read)).status).toBe(429);
  // After an hour without, it begins anew.
  on.now += 3601_000;
  for (let wrong = 0; wrong < 7; wrong++)
    expect((await from("10.0.0.9", { authorization: `Bearer ${wrong}` })).status).toBe(401);
  expect((await from("10.0.0.9", read)).status).toBe(200);
});

test.each([
  ["token", "10.0.0.9", "::ffff:10.0.0.9", "10.0.0.10"],
  ["code", "10.0.0.9", "::ffff:a00:9", "10.0.0.10"],
  // Whoever has one address of an IPv6 network has all of its /64.
  ["token", "2001:db8:0:7::1", "2001:db8:0:7:ffff::2", "2001:db8:0:8::1"],
  ["code", "2001:db8:0:7::1", "2001:DB8::7:0:0:0:9", "2001:db8:0:8::1"],
] as const)(
  "a wrong %s at the form, again and again, makes %s wait, and %s with it, not %s",
  async (what, one, same, other) => {
    const on = open();
    const { app } = dashboardApp(on.options, () => new Set([host]));
    const login = (remoteAddress: string, fields: Record<string, string>) => {
      const body = new URLSearchParams(fields).toString();
      const headers = {
        host,
        "content-type": "application/x-www-form-urlencoded",
        "content-length": String(body.length),
      };
      const sent = { method: "POST", headers: { ...headers, ...origin }, body };
      return app.request(`http://${host}/login`, sent, { incoming: { socket: { remoteAddress } } });
    };
    const { code } = (await (await post(on, "/api/links", JSON.stringify({ person: "alice" }), admin)).json()) as {
      code: string;
    };
    for (let wrong = 0; wrong < 8; wrong++) {
      const refused = await login(wrong % 2 === 0 ? one : same, { [what]: `wrong-${wrong}` });
      expect([refused.status, await refused.text()]).toEqual([401, expect.not.stringContaining("Too many wrong")]);
    }
    // Right ones too are not looked at, whichever way they come.
    for (const fields of [{ token: adminToken }, { code }]) {
      const kept = await login(same, fields);
      expect([kept.status, kept.headers.get("set-cookie")]).toEqual([401, null]);
      expect(await kept.text()).toContain("Too many wrong tokens came from your address.");
    }
    expect((await login(other, { token: adminToken })).status).toBe(303);
    on.now += 11_000;
    expect((await login(one, { token: adminToken })).status).toBe(303);
  },
);

test("a body whose length nobody says is not read", async () => {
  const on = open();
  const form = { "content-type": "application/x-www-form-urlencoded", ...origin };
  const body = new URLSearchParams({ token: adminToken }).toString();
  const unsaid = await on.request("/login", form, { method: "POST", body });
  expect([unsaid.status, unsaid.headers.get("set-cookie")]).toEqual([411, null]);
  const served = await startDashboard({ ...on.options, address: "127.0.0.1", port: 0 });
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const address = { port: served.port, path: "/login", method: "POST" };
      const headers = { ...form, origin: `http://127.0.0.1:${served.port}`, "transfer-encoding": "chunked" };
      const sent = request({ ...address, headers }, resolve);
      sent.on("error", reject).end(body);
    });
    expect(answer.statusCode).toBe(411);
    answer.resume();
  } finally {
    await served.close();
  }
});

test("what a browser is refused is told on a page, and a program in the words alone", async () => {
  const on = open();
  const alice = (await signIn(on)).session;
  const carol = (await signIn(on, "carol")).session;
  const { app, streams } = dashboardApp(on.options, () => new Set([host]));
  const form = { "content-type": "application/x-www-form-urlencoded", "content-length": "0" };
  const wrong = { authorization: "Bearer wrong" };
  const sent: [number, string, Record<string, string>, RequestInit, string][] = [
    [403, "/", { ...alice, origin: "http://evil.example" }, {}, "foreign origin"],
    [403, "/", { ...alice, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, {}, "foreign site"],
    [403, "/pause", { ...alice, ...form }, { method: "POST" }, "an origin is needed"],
    [403, "/pause", { ...carol, ...origin, ...form }, { method: "POST" }, "this needs the scope act"],
    [411, "/login", { ...origin }, { method: "POST" }, "the length is needed"],
    [413, "/login", { ...origin, ...form, "content-length": "5000" }, { method: "POST" }, "too large"],
    [421, "/", { ...alice, host: "evil.example" }, {}, "this host name is not served here"],
    [429, "/", wrong, {}, "Too many wrong tokens came from your address"],
    [503, "/", alice, {}, "the agent is stopping"],
  ];
  const answer = async (path: string, headers: Record<string, string>, init: RequestInit, accept: string) => {
    const response = await app.request(`http://${host}${path}`, { ...init, headers: { host, ...headers, accept } });
    return [response.status, response.headers.get("content-type")!.split(";")[0], await response.text()] as const;
  };
  for (const [status, path, headers, init, words] of sent) {
    if (status === 429) for (let more = 0; more < 8; more++) await answer(path, headers, init, "*/*");
    if (status === 503) streams.closeAll();
    const [code, type, page] = await answer(path, headers, init, "text/html,application/xhtml+xml,*/*;q=0.8");
    expect([code, type]).toEqual([status, "text/html"]);
    expect(page.toLowerCase()).toContain(`<p role="alert">${words.toLowerCase()}`);
    expect([status, page.includes('<a href="/">')]).toEqual([status, status !== 421]);
    const [bare, plain, text] = await answer(path, headers, init, "application/json");
    expect([bare, plain]).toEqual([status, expect.stringMatching(/^(text\/plain|application\/json)$/)]);
    expect(text).toContain(words);
    expect(text).not.toContain("<");
  }
});

test("F8 an agent that stops ends its streams first and answers probes alone, whatever its work still takes", async () => {
  const on = open();
  const served = await startDashboard({ ...on.options, address: "127.0.0.1", port: 0 });
  const ask = (path: string) => fetch(`http://127.0.0.1:${served.port}${path}`, { headers: read });
  try {
    const stream = (await ask("/api/events")).body!.getReader();
    served.retire();
    for (let done = false; !done; ) ({ done } = await stream.read());
    for (const path of ["/", "/api/status", "/api/events", "/login", "/metrics"])
      expect([path, (await ask(path)).status]).toEqual([path, 503]);
    expect((await ask("/healthz")).status).toBe(200);
    expect((await ask("/readyz")).status).toBe(200);
  } finally {
    await served.close();
  }
});

test("G6 not ready while disconnected, catching up or draining", async () => {
  const on = open();
  const { status } = on;
  const changes: Partial<AgentStatus["harness"]>[] = [
    { chat: "disconnected" },
    { caughtUpAt: undefined },
    { draining: true },
  ];
  for (const change of changes) {
    on.status = { ...status, harness: { ...status.harness, ...change } };
    const response = await on.request("/readyz");
    expect([response.status, await response.json()]).toEqual([503, { status: "degraded" }]);
  }
});

test("G7 that there are no tools is said with its reason to whoever has the token, and to nobody else", async () => {
  const on = open();
  expect(await (await on.request("/readyz")).json()).toEqual({ status: "ready" });
  expect(await (await on.request("/", read)).text()).toContain("no tools");
});
