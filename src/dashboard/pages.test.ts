import { afterEach, expect, test } from "vitest";
import { hostile, readToken, type SampleDashboard, sampleDashboard } from "../../test/support/dashboard.ts";
import { fillPast, fillTexts, oddLine } from "../../test/support/past.ts";
import { escapeHtml, html } from "../base/markup.ts";
import { inboxKinds, receive } from "../harness/store/inbox.ts";
import { claimNext, recentRuns } from "../harness/store/runs.ts";
import { recordStep } from "../harness/store/steps.ts";
import { turnsOf } from "../harness/store/turns.ts";
import { script, stylesheet } from "./assets.ts";

const bearer = { authorization: `Bearer ${readToken}` };
const pages = [
  "/",
  "/runs",
  "/runs/p1-1",
  "/runs/p2-1",
  "/runs/p3-1",
  "/runs/p3-1/messages",
  "/runs/p3-1/changes",
  "/conversations",
  "/memory",
  "/costs",
  "/gates",
  "/log",
  "/settings",
];
let sample: SampleDashboard | undefined;
afterEach(() => {
  sample?.close();
  sample = undefined;
});

/** Bytes of a page that nobody has loaded before. */
const weight = (page: string): number => Buffer.byteLength(page + stylesheet + script);

/** What a browser would make of it: tags outside of our own, and attributes that run something. */
const ours =
  /^<\/?(?:html|head|meta|title|link|script|body|a|header|p|nav|ul|ol|li|div|main|h1|h2|footer|span|form|button|section|dl|dt|dd|table|thead|tbody|tr|th|td|time|br|strong|article|code|pre|details|summary|label|input|select|option|svg|rect|line|text)\b/;

function strangeTags(page: string): string[] {
  const tags = page.match(/<[^>]*>?/g) ?? [];
  return tags.filter(
    (tag) =>
      tag !== "<!doctype html>" &&
      (!ours.test(tag) ||
        / on\w+=|javascript:|style=/i.test(tag.replace(/"[^"]*"/g, '""')) ||
        (/^<script/.test(tag) && tag !== '<script src="/app.js" defer>')),
  );
}

test("F9 hostile words in every field of every page stay words", async () => {
  sample = sampleDashboard(hostile);
  const lane = encodeURIComponent(hostile("lane-p1"));
  for (const path of [
    ...pages,
    `/conversations/${lane}`,
    `/runs?text=${encodeURIComponent('"><script>')}`,
    `/memory?text=${encodeURIComponent(hostile("x"))}`,
    `/log?text=${encodeURIComponent(hostile("y"))}`,
  ]) {
    const response = await sample.request(path, { ...bearer, accept: "text/html" });
    const page = await response.text();
    expect([path, response.status]).toEqual([path, 200]);
    expect([path, strangeTags(page)]).toEqual([path, []]);
    expect(page).not.toContain("<script>alert");
    for (const sign of ["\u202E", "\u001B"]) expect(page).not.toContain(sign);
    expect(page).not.toContain("sk-secret");
    expect(response.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';(?!.*unsafe)/,
    );
  }
});

test("F9 every field that others write is shown where it belongs", async () => {
  sample = sampleDashboard();
  const expected: Record<string, string[]> = {
    "/": [
      "asked-p3",
      "action repo#3",
      "pauser",
      "queued",
      "waiter",
      "refused",
      "no tools",
      "Forge: no forge.",
      "rehearsal/model does not answer: key refused, ",
      'rehearsal/model <span class="bad">key refused</span>',
      "1 running",
      "of $5.00",
      "step 1",
      "<dt>Version</dt><dd>01234567</dd>",
      "athena on hypervisor",
    ],
    "/runs": ["asked-p1", "author", "outcome", "$0.25"],
    "/runs/p1-1": ["answer", "detail", "rehearsal/model", "1200 + 30", "delivered"],
    "/runs/p2-1": ["not delivered: refused", "failure", "output"],
    "/runs/p3-1": ["under way", "Not yet.", "3 messages between harness and model", "What it changed"],
    "/runs/p3-1/messages": [
      "code, assistant: thought",
      "script",
      "tool tool: printed",
      "released to this run alone: not shown",
    ],
    "/runs/p3-1/changes": [
      "repo at head",
      '<span class="bad">-old\n</span>',
      '<span class="good">+new\n</span>',
      " same",
    ],
    "/runs/p1-1/messages": ["None are kept"],
    "/runs/p1-1/changes": ["no change"],
    "/conversations": ["lane-p1", "asked-p2"],
    "/conversations/lane-p1": ["asked-p1", "answer", "author"],
    "/memory": ["note", "noter", "may not give tasks any more", "always kind"],
    "/costs": ["$4.90 left", "rehearsal/model", "mention", '<svg role="img"', "2026-11-21"],
    "/gates": ["action repo#3", "alice (merge)", "gate"],
    "/log": ["message", "field", "second line"],
    "/settings": [
      "persona",
      "known",
      "task",
      "agents.athena.budget.day",
      "people.alice",
      "path: merge",
      "marked",
      "1000000",
    ],
  };
  for (const [path, words] of Object.entries(expected)) {
    const page = await (await sample.request(path, bearer)).text();
    for (const word of words) expect([path, page]).toEqual([path, expect.stringContaining(word)]);
    expect(weight(page)).toBeLessThan(30_000);
  }
});

test("settings tell where each value was written, and what nobody wrote as a default, whatever it is", async () => {
  sample = sampleDashboard();
  const page = await (await sample.request("/settings", bearer)).text();
  const row = (name: string) =>
    new RegExp(`<td>${name}</td><td class="text">([^<]*)</td><td><code>([^<]*)</code>`).exec(page)?.slice(1);
  expect(row("Limit runs")).toEqual(["7", "agents.athena.limits.runs"]);
  expect(row("Limit calls")).toEqual(["4", "defaults.limits.calls"]);
  expect(row("Limit drain")).toEqual(["30 (default)", "default"]);
  expect(row("Budget of a day")).toEqual(["$5.00", "agents.athena.budget.day"]);
  expect(row("Tokens of a run")).toEqual(["as many as the money allows (default)", "default"]);
  expect(row("Model")?.[1]).toBe("defaults.models[0]");
  expect(row("Quiet hours")).toEqual(["none (default)", "default"]);
});

test("a long past costs a page no more than a short one", async () => {
  sample = sampleDashboard(undefined, false);
  fillPast(sample.store, 300, 90, sample.now);
  for (let n = 0; n < 200; n++)
    sample.options.log.info({ run: `p${n}-1`, channel: "c".repeat(26), step: n }, `a line of the log ${n}`);
  for (const path of ["/", "/runs", "/conversations", "/costs?days=14", "/costs?days=90", "/log"]) {
    const page = await (await sample.request(path, bearer)).text();
    expect.soft([path, weight(page), weight(page) < 30_000]).toEqual([path, weight(page), true]);
  }
  const long = recentRuns(sample.store, 1)[0]!.id;
  const step = { run: long, kind: "model", provider: "anthropic", model: "claude-sonnet-4-5" } as const;
  for (let n = 0; n < 300; n++)
    recordStep(sample.store, { ...step, at: sample.now, outcome: "ok", detail: `step ${n} `.repeat(8) });
  for (let n = 0; n < 60; n++) turnsOf(sample.store, long, "code").append({ role: "user", content: `said ${n}` });
  for (const [path, first, older] of [
    [`/runs/${long}`, "step 250 ", "Older: 2"],
    [`/runs/${long}?skip=50`, "step 200 ", "Newer: 50"],
    [`/runs/${long}/messages`, "said 40", "Older: 40"],
    [`/runs/${long}/messages?skip=40`, "said 0", "Newer: 40"],
  ] as const) {
    const page = await (await sample.request(path, bearer)).text();
    expect.soft([path, weight(page), weight(page) < 30_000]).toEqual([path, weight(page), true]);
    expect(page).toContain(first);
    expect(page).toContain(older);
  }
  const page = await (await sample.request("/costs?days=90", bearer)).text();
  expect(page.match(/<rect/g)).toHaveLength(90);
  expect(page.match(/<tr><td>90 days<\/td>/g)).toHaveLength(2);
});

test("texts as long and odd as they come make no page heavier, and all of them can be read", async () => {
  sample = sampleDashboard(undefined, false);
  const { run, lane } = fillTexts(sample.store, sample.now);
  for (let n = 0; n < 100; n++) sample.options.log.info({ error: oddLine.repeat(20) }, `line ${n}`);
  /** Goes through all pages that one leads on to; gives their text. */
  const readOn = async (path: string, words: RegExp): Promise<string> => {
    let all = "";
    for (let next: string | undefined = path; next !== undefined; ) {
      const page: string = await (await sample!.request(next, bearer)).text();
      expect.soft([next, weight(page), weight(page) < 30_000]).toEqual([next, weight(page), true]);
      all += page;
      next = [...page.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)]
        .find(([, , text]) => words.test(text!))?.[1]
        ?.replaceAll("&amp;", "&");
    }
    return all;
  };
  const every = (count: number, word: string) => Array.from({ length: count }, (_, n) => `${word} ${n} `);
  for (const [path, on, words] of [
    ["/", /^$/, []],
    ["/runs", /^$/, []],
    ["/conversations", /^$/, []],
    ["/log", /^$/, []],
    [`/runs/${run}`, /^Older/, []],
    ["/memory", /^Older/, every(100, "note")],
    ["/memory?text=NOTE+9", /^Older/, ["note 9 ", "note 91 "]],
    ["/gates", /^Further/, every(30, "gate")],
    [
      `/conversations/${encodeURIComponent(lane)}`,
      /^Older/,
      [...every(50, "asked"), "answered 0.2 ", "answered 49.0 "],
    ],
    [`/runs/${run}/messages`, /^Older/, every(30, "said")],
    [`/runs/${run}/messages/chat/7`, /^Further/, ["said 7 ", " end 7<"]],
    [`/runs/${run}/messages/chat/30`, /^Further/, ["last", "bash {"]],
    [`/runs/${run}/changes`, /^Further/, [...every(1200, "+line"), "olympus/min at bbbbbbbbbbbb"]],
  ] as const) {
    const all = await readOn(path, on);
    for (const word of words) expect([path, word, all.includes(word)]).toEqual([path, word, true]);
  }
  const messages = await (await sample.request(`/runs/${run}/messages`, bearer)).text();
  expect(messages).toContain(`<a href="/runs/${run}/messages/chat/30">The whole message</a>`);
  expect((await sample.request(`/runs/${run}/messages/chat/99`, bearer)).status).toBe(404);
});

test("empty pages say why they are, and what to do", async () => {
  sample = sampleDashboard(undefined, false);
  const page = async (path: string) => (await sample!.request(path, bearer)).text();
  expect(await page("/")).toContain("No runs yet. Mention @athena");
  expect(await page("/runs")).toContain("No runs yet. Mention @athena");
  expect(await page("/runs?text=x")).toContain("No run fits.");
  expect(await page("/conversations")).toContain("None yet.");
  expect(await page("/memory")).toContain("@athena remember:");
  expect(await page("/costs")).toContain("No model was asked");
  expect(await page("/gates")).toContain("Nothing waits");
  expect(await page("/log")).toContain("Nothing since the harness started.");
});

test("filters of runs find what fits, and a page that is not there says so", async () => {
  sample = sampleDashboard();
  const page = async (path: string) => (await sample!.request(path, { ...bearer, accept: "text/html" })).text();
  const only = async (query: string) =>
    [...(await page(`/runs?${query}`)).matchAll(/href="\/runs\/(p\d)-1"/g)].map(([, id]) => id);
  expect(await only("state=failed")).toEqual(["p2"]);
  expect(await only("author=alice")).toEqual(["p3", "p2"]);
  expect(await only("text=ASKED-P1")).toEqual(["p1"]);
  expect(await only(`before=${sample.now - 550_000}`)).toEqual(["p1"]);
  for (const path of ["/runs/none", "/conversations/none", "/nowhere"]) {
    const response = await sample.request(path, bearer);
    expect([response.status, await response.text()]).toEqual([
      404,
      expect.stringContaining("There is nothing at this address."),
    ]);
  }
  expect((await sample.request("/runs?before=soon", bearer)).status).toBe(400);
});

test("every kind that a run can have is offered by the filter, and finds its run", async () => {
  sample = sampleDashboard(undefined, false);
  const { store, now } = sample;
  for (const kind of inboxKinds) {
    const entry = { source: "test", sourceId: kind, lane: kind, kind, author: "alice", createdAt: now };
    receive(
      store,
      { ...entry, payload: { id: kind, text: kind, authorId: "alice", channelId: "c", rootId: kind } },
      now,
    );
    claimNext(store, now);
  }
  const page = async (path: string) => (await sample!.request(path, bearer)).text();
  const [, options] = /<select id="kind" name="kind">(.*?)<\/select>/s.exec(await page("/runs"))!;
  const offered = [...options!.matchAll(/<option value="(\w+)"/g)].map(([, kind]) => kind!);
  expect(offered).toEqual(expect.arrayContaining(["mention", "command", "issue", "rework", "review", "gate"]));
  expect(offered).toEqual([...inboxKinds]);
  for (const kind of offered) {
    const runs = [...(await page(`/runs?kind=${kind}`)).matchAll(/href="\/runs\/([\w-]+)"/g)].map(([, id]) => id);
    expect([kind, runs]).toEqual([kind, [`${kind}-1`]]);
  }
});

test("the log shows what is as grave as was asked for, and what has the words, in message or fields", async () => {
  sample = sampleDashboard(undefined, false);
  const { log } = sample.options;
  log.debug({}, "said in passing");
  log.info({ run: "r-7" }, "a run begins");
  log.warn({}, "the chat is away");
  log.error({ run: "r-8" }, "the disk is FULL");
  const lines = async (query: string) =>
    [...(await (await sample!.request(`/log?${query}`, bearer)).text()).matchAll(/<td class="text">([^<]*)/g)].map(
      ([, message]) => message,
    );
  expect(await lines("")).toEqual(["the disk is FULL", "the chat is away", "a run begins"]);
  expect(await lines("level=warn")).toEqual(["the disk is FULL", "the chat is away"]);
  expect(await lines("level=error")).toEqual(["the disk is FULL"]);
  expect(await lines("text=Full")).toEqual(["the disk is FULL"]);
  expect(await lines("text=r-7")).toEqual(["a run begins"]);
  expect(await lines("level=warn&text=r-7")).toEqual([]);
  const page = await (await sample.request("/log?level=warn&text=r-7", bearer)).text();
  expect(page).toContain("No line fits.");
  expect(page).toContain('<option value="warn" selected>');
});

test("a database that fails is told in words, without what failed", async () => {
  sample = sampleDashboard();
  sample.store.run("ALTER TABLE runs RENAME TO lost");
  const response = await sample.request("/runs?state=done&kind=late", bearer);
  const page = await response.text();
  expect([response.status, page]).toEqual([500, expect.stringContaining("This page could not be made")]);
  expect(page).not.toContain("no such table");
});

test("markup is made of what is written here, everything else is text", () => {
  const word = "<b>&\"'`";
  expect(html`<i title="${word}">${[word, undefined, false, 3, html`<br>`]}</i>`.toString()).toBe(
    '<i title="&lt;b&gt;&amp;&quot;&#39;&#96;">&lt;b&gt;&amp;&quot;&#39;&#96;3<br></i>',
  );
  expect(escapeHtml("a\u0000b\u202Ec\uD800")).toBe("a\uFFFDb\uFFFDc\uFFFD");
  expect(escapeHtml("\u{1F600} \t\n")).toBe("\u{1F600} \t\n");
});

test("words are looked for in a bounded number of runs, and further back by a link, until they are found", async () => {
  sample = sampleDashboard(undefined, false);
  fillPast(sample.store, 3_050, 100, sample.now);
  const read = async (path: string) => (await sample!.request(path, { ...bearer, accept: "text/html" })).text();
  const page = await read("/runs?text=number+7");
  expect(page).toContain("Older runs");
  expect(page).not.toContain("Looked through");
  sample.store.run(
    "UPDATE runs SET outcome = 'Found at last' WHERE id = (SELECT id FROM runs ORDER BY started_at LIMIT 1)",
  );
  const near = await read("/runs?text=found+AT+last");
  expect(near).toContain("Looked through the runs since");
  const [, further] = /href="(\/runs\?[^"]*)">Look further back/.exec(near)!;
  const far = await read(further!.replaceAll("&amp;", "&"));
  expect(far).toContain("Found at last");
  expect(far).not.toContain("Look further back");
  const api = await sample.request("/api/runs?text=found%20at%20last", bearer);
  expect(await api.json()).toMatchObject({ runs: [], searched: expect.any(Number) as number });
});
