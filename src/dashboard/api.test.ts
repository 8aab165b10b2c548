import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { host, hostile, readToken, type SampleDashboard, sampleDashboard } from "../../test/support/dashboard.ts";
import { projectRoot } from "../base/paths.ts";
import { recordStep } from "../harness/store/steps.ts";
import { acts } from "./acts.ts";
import { apiRoutes } from "./api.ts";
import { dashboardApp } from "./app.ts";
import { metrics } from "./metrics.ts";
import { healthSchema, readySchema } from "./schemas.ts";

let sample: SampleDashboard | undefined;
const read = { authorization: `Bearer ${readToken}` };
const open = (words?: (name: string) => string): SampleDashboard => {
  sample = sampleDashboard(words);
  return sample;
};
afterEach(() => {
  sample?.close();
  sample = undefined;
});

test("what the API answers has the shape that its description promises, and nothing secret", async () => {
  const on = open(hostile);
  for (const { path, response } of apiRoutes) {
    const id = path.includes("conversations") ? encodeURIComponent(hostile("lane-p1")) : "p3-1";
    const answer = await on.request(path.replace("{id}", id), read);
    const text = await answer.text();
    expect([path, answer.status, answer.headers.get("content-type")]).toEqual([path, 200, "application/json"]);
    expect(text).not.toContain("sk-secret");
    const given = JSON.parse(text) as unknown;
    // Parsing leaves out what the schema does not name: nothing is.
    expect((response as z.ZodType).parse(given)).toEqual(given);
  }
});

test("the description is OpenAPI with every route", async () => {
  const on = open();
  const description = (await (await on.request("/api/openapi.json", read)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { parameters?: { name: string }[] }>>;
  };
  expect(description.openapi).toBe("3.1.0");
  expect(description.paths["/api/runs"]!.get!.parameters!.map(({ name }) => name)).toContain("before");
  // Both ways, acts included: what is served is described, what is described is served. Pages are for people.
  const { app } = dashboardApp(on.options, () => new Set([host]));
  const served = app.routes.flatMap(({ method, path }) =>
    method !== "ALL" && (path.startsWith("/api/") || ["/healthz", "/readyz", "/metrics"].includes(path))
      ? [`${method} ${path.replace(/:(\w+)/g, "{$1}")}`]
      : [],
  );
  const described = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described).toEqual(expect.arrayContaining(["POST /api/gates/{id}/approve", "POST /api/pause"]));
  expect(described.sort()).toEqual([...new Set(served)].sort());
});

test("the description says of each act who may do it, as its route has it", async () => {
  const on = open();
  const { paths } = (await (await on.request("/api/openapi.json", read)).json()) as {
    paths: Record<string, { post?: { summary: string } }>;
  };
  for (const { path, forApprovers } of acts) {
    const { summary } = paths[`/api${path.replace(":id", "{id}")}`]!.post!;
    expect([path, summary.includes("may approve"), summary.includes("may give tasks")]).toEqual([
      path,
      forApprovers === true,
      forApprovers !== true,
    ]);
  }
});

test("what probes answer is as it is described, without a word on why", async () => {
  const on = open();
  const { paths } = (await (await on.request("/api/openapi.json", read)).json()) as {
    paths: Record<
      string,
      { get: { responses: Record<string, { content: Record<string, { schema: { properties: object } }> }> } }
    >;
  };
  const bodies = paths["/readyz"]!.get.responses;
  for (const code of ["200", "503"])
    expect(Object.keys(bodies[code]!.content["application/json"]!.schema.properties)).toEqual(["status"]);
  on.status = { ...on.status, disk: "the disk is full", tools: { state: "off", reason: "no bubblewrap" } };
  const answer = await on.request("/readyz");
  const body: unknown = await answer.json();
  expect([answer.status, body]).toEqual([503, { status: "degraded" }]);
  expect(z.strictObject(readySchema.shape).parse(body)).toEqual(body);
  expect(healthSchema.parse(await (await on.request("/healthz")).json())).toEqual({ status: "ok" });
});

test("gates are told with the ids that they are decided by, and for whom they wait", async () => {
  const on = open();
  const { gates } = (await (await on.request("/api/gates", read)).json()) as { gates: object[] };
  const { id, action } = on.options.look.gates()[0]!;
  expect(gates).toMatchObject([{ id, action, state: "asked", kinds: ["merge"], waitsFor: ["alice"] }]);
  // One whose time is over waits for nobody, also before the harness closes it.
  on.now += 24 * 3600_000;
  const late = (await (await on.request("/api/gates", read)).json()) as { gates: object[] };
  expect(late.gates).toMatchObject([{ id, waitsFor: [] }]);
});

test("a query that cannot be is refused in words", async () => {
  const on = open();
  for (const days of ["0", "367", "x", "1.5"]) {
    const answer = await on.request(`/api/cost?days=${days}`, read);
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringContaining("days") }]);
  }
  expect((await on.request("/api/runs/none", read)).status).toBe(404);
  const cost = (await (await on.request("/api/cost?days=7", read)).json()) as { days: object[] };
  expect(cost.days).toMatchObject([{ day: "2026-11-21", model: "model", calls: 2 }]);
});

test("metrics are the documented ones, with labels that cannot break out", async () => {
  const on = open(hostile);
  const text = await (await on.request("/metrics", read)).text();
  const page = readFileSync(join(projectRoot, "docs/reference/dashboard.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(olympus_\w+)` \| (\w+) \| (.+) \|$/gm)].map(([, ...row]) => row);
  expect(documented).toEqual(metrics.map(({ name, type, help }) => [name, type, help]));
  expect([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)).toEqual(metrics.map(({ name }) => name));
  for (const line of text.trim().split("\n"))
    expect(line).toMatch(/^(# (HELP|TYPE) .+|\w+(\{(\w+="([^"\\]|\\.)*",?)*\})? -?[\d.e+-]+)$/);
  expect(text).toContain('olympus_agent_mention_to_answer_seconds_bucket{le="5"} 1\n');
  expect(text).toContain("olympus_agent_mention_to_answer_seconds_sum 3\n");
  expect(text).toContain('olympus_agent_runs_total{state="failed"} 1\n');
});

/** Reads a stream until an event of a kind came; what came. */
async function until(reader: ReadableStreamDefaultReader<Uint8Array>, kind: string): Promise<string> {
  let all = "";
  while (!all.includes(`event: ${kind}\n`)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended: ${all}`);
    all += new TextDecoder().decode(value);
  }
  return all;
}

test("events tell what happens, and whoever comes back what was missed", async () => {
  const on = open(hostile);
  const step = (outcome: string) =>
    recordStep(on.store, { run: "p3-1", kind: "tool", at: on.now, outcome, detail: hostile("d\n\nevent: run") });
  const first = (await on.request("/api/events?kinds=step", read)).body!.getReader();
  await until(first, "beat");
  step("first");
  const told = await until(first, "step");
  expect(told).toContain('"outcome":"first"');
  expect(told).not.toMatch(/^event: run$/m);
  const id = /^id: (\d+)$/m.exec(told)![1]!;
  await first.cancel();
  step("missed");
  const second = (await on.request("/api/events", { ...read, "last-event-id": id })).body!.getReader();
  expect(await until(second, "run")).toContain('"outcome":"missed"');
  await second.cancel();
  expect(on.streams.open).toBe(0);
});

test("ids move on within what was missed and within a batch, whatever kinds are looked at: cut off at any event, nothing is lost or told for ever", async () => {
  const on = open();
  on.store.run("UPDATE steps SET outcome = 'ok'");
  const record = (count: number) =>
    on.store.transaction(() => {
      for (let n = 0; n < count; n++)
        recordStep(on.store, { run: "p1-1", kind: "tool", at: on.now, outcome: "ok", detail: "x".repeat(2000) });
    });
  const newest = () => on.store.get<{ id: number }>("SELECT max(id) AS id FROM steps")!.id;
  const idsOf = (text: string) => [...text.matchAll(/^id: (\d+)\nevent: step$/gm)].map(([, id]) => Number(id));
  const upTo = async (reader: ReadableStreamDefaultReader<Uint8Array>, last: number) => {
    let text = "";
    while (!text.includes(`"id":${last},`)) text += new TextDecoder().decode((await reader.read()).value);
    return text;
  };
  const before = newest();
  record(300);
  const from = (id: number) => on.request("/api/events?kinds=step", { ...read, "last-event-id": String(id) });
  const stream = (await from(before)).body!.getReader();
  // More than may wait for a slow reader: told whole.
  const missed = idsOf(await upTo(stream, newest()));
  expect(missed).toEqual(Array.from({ length: 300 }, (_, n) => before + 1 + n));
  record(3);
  expect(idsOf(await upTo(stream, newest()))).toEqual([1, 2, 3].map((n) => before + 300 + n));
  await stream.cancel();
});

test("whoever was away for too long, or comes from another database, is told that there is a gap", async () => {
  const on = open();
  const gone = async (id: number) => {
    const reader = (await on.request("/api/events", { ...read, "last-event-id": String(id) })).body!.getReader();
    const text = await until(reader, "gap");
    await reader.cancel();
    return text;
  };
  await gone(1_000_000);
  on.store.transaction(() => {
    for (let n = 0; n < 600; n++) recordStep(on.store, { run: "p1-1", kind: "tool", at: on.now, outcome: "ok" });
  });
  on.store.run("UPDATE steps SET outcome = 'ok'");
  await gone(0);
});

test("who asks for events with HEAD gets no stream, and takes nobody's place", async () => {
  const on = sampleDashboard();
  const answer = await on.request("/api/events", read, { method: "HEAD" });
  expect([answer.status, answer.body, on.streams.open]).toEqual([200, null, 0]);
  on.close();
});

test("streams past the limit are told to come later", async () => {
  const on = open();
  const streams = await Promise.all(Array.from({ length: 221 }, () => on.request("/api/events", read)));
  expect(streams.map(({ status }) => status).filter((status) => status === 503)).toHaveLength(1);
  expect(on.streams.open).toBe(220);
  on.streams.closeAll();
  expect(on.streams.open).toBe(0);
});

test("what was asked is cut after secrets in it are hidden, wherever they stand; so are long lines of the log", async () => {
  const on = open();
  const told = async (path: string) => (await on.request(path, read)).text();
  const secret = "sk-secret-that-nobody-may-see";
  for (const text of [
    `${"a".repeat(290)}${secret} and more`,
    `${secret}${"b".repeat(290)}${secret}`,
    `${secret.repeat(9)}${"c".repeat(9)}${secret.repeat(30)}`,
    `${"d".repeat(3000)}${secret}`,
  ]) {
    on.store.run("UPDATE inbox SET payload = json_set(payload, '$.text', ?)", text);
    for (const path of ["/", "/runs", "/conversations", "/api/runs", "/api/runs/p1-1", "/api/conversations"])
      expect([path, await told(path)]).toEqual([path, expect.not.stringContaining("sk-s")]);
  }
  const { runs } = JSON.parse(await told("/api/runs")) as { runs: { asked: string }[] };
  expect(runs[0]!.asked).toBe("d".repeat(300));
  on.options.log.info({ field: `${"e".repeat(1980)}${secret}` }, `${"f".repeat(1990)}${secret}`);
  expect(await told("/api/log")).toMatch(/e{1980}.*|f{1990}.*/);
  expect(await told("/api/log")).not.toContain("sk-s");
});
