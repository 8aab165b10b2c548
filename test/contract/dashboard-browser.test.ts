/** The dashboard in Debian's Chromium, as people have it. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Dashboard, startDashboard } from "../../src/dashboard/server.ts";
import { recordStep } from "../../src/harness/store/steps.ts";
import { expectSound, openBrowser, watchPage } from "../support/browser.ts";
import { adminToken, hostile, type SampleDashboard, sampleDashboard } from "../support/dashboard.ts";

const pages = [
  "/",
  "/runs",
  "/runs/p1-1",
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

let browser: Browser;
let sample: SampleDashboard;
let dashboard: Dashboard;
let context: BrowserContext;
let page: Page;
/** Messages in the console, and requests that went elsewhere: both must stay empty. */
let wrong: string[];

beforeAll(async () => {
  browser = await openBrowser();
}, 150_000);
afterAll(() => browser?.close());
beforeEach(async () => {
  sample = sampleDashboard(hostile);
  sample.now = Date.now();
  dashboard = await startDashboard({ ...sample.options, address: "127.0.0.1", port: 0 });
  context = await browser.newContext({ baseURL: url() });
  context.setDefaultTimeout(60_000);
  page = await context.newPage();
  wrong = watchPage(page, url);
});
afterEach(async () => {
  await context.close();
  await dashboard.close();
  sample.close();
});

const url = () => `http://127.0.0.1:${dashboard.port}`;

/** As `olympus open` does it: a code behind the #, which no server gets to see. */
async function signIn(): Promise<void> {
  const answer = await fetch(`${url()}/api/links`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminToken}` },
    body: JSON.stringify({ person: "alice" }),
  });
  const { code } = (await answer.json()) as { code: string };
  await page.goto(`/login#${code}`);
  await page.waitForURL(`${url()}/`);
}

test("F9 every page with hostile words: nothing of it runs, nothing violates axe's rules, at both widths and in both schemes", async () => {
  await signIn();
  await expectSound(page, pages);
  expect(wrong).toEqual([]);
}, 600_000);

test("pages of nobody yet, of one conversation and of what is not there violate none of axe's rules either", async () => {
  await page.goto("/login");
  await expectSound(page, ["/login"]);
  await signIn();
  const lane = encodeURIComponent(hostile("lane-p1"));
  await expectSound(page, [`/conversations/${lane}`, "/runs/p3-1/messages/code/0", "/nowhere", "/runs?before=soon"]);
  expect(wrong.filter((message) => !/the server responded with a status of 40[04]/.test(message))).toEqual([]);
}, 600_000);

test("what happens is seen without a reload, also after the harness was started again", async () => {
  await signIn();
  const step = (outcome: string) => recordStep(sample.store, { run: "p3-1", kind: "tool", at: Date.now(), outcome });
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByText("Stop this run …").click();
  // Elsewhere on the page: what has the focus would stay as it is anyway.
  await page.getByRole("heading", { level: 1 }).click();
  step("seen at once");
  await page.getByText("seen at once").waitFor();
  await page.getByRole("button", { name: "Stop this run" }).waitFor();
  const { port } = dashboard;
  await dashboard.close();
  await page.getByText(/no news, trying again|connecting/).waitFor();
  step("while it was away");
  dashboard = await startDashboard({ ...sample.options, address: "127.0.0.1", port });
  await page.getByText("while it was away").waitFor();
  expect(
    wrong.filter((message) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK|ERR_EMPTY/.test(message)),
  ).toEqual([]);
}, 240_000);

test("a warning that is logged appears on the log without a reload, unless the filter keeps it out", async () => {
  await signIn();
  await page.goto("/log");
  await page.getByText("live", { exact: true }).waitFor();
  sample.options.log.warn({}, "the chat has gone quiet");
  await page.getByRole("cell", { name: "the chat has gone quiet" }).waitFor();
  await page.getByLabel("From level").selectOption("warn");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/level=warn/);
  await page.getByText("live", { exact: true }).waitFor();
  sample.options.log.info({}, "a trifle");
  sample.options.log.error({}, "the disk is full");
  await page.getByRole("cell", { name: "the disk is full" }).waitFor();
  expect(await page.getByRole("cell", { name: "a trifle" }).count()).toBe(0);
  expect(wrong).toEqual([]);
}, 240_000);

test("seven pages of one browser are open, and every one is served: those that nobody sees leave their connection to the others", async () => {
  await signIn();
  // Chromium under test shows all its pages at once: each is told that it is behind the next one.
  const show = (one: Page, shown: boolean) =>
    one.evaluate((hidden) => {
      const { document } = globalThis as unknown as { document: EventTarget };
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, !shown);
  let front = page;
  for (let more = 0; more < 6; more++) {
    await show(front, false);
    front = await context.newPage();
    await front.goto("/");
    await front.getByText("live", { exact: true }).waitFor();
  }
  await front.getByRole("button", { name: "Resume" }).click();
  await front.getByText("It is not paused.").waitFor();
  await show(front, false);
  recordStep(sample.store, { run: "p3-1", kind: "tool", at: Date.now(), outcome: "while it was behind" });
  await show(page, true);
  await page.getByText("while it was behind").waitFor();
}, 240_000);

test("a table that has the focus goes on, keeps it and how far it was scrolled; a button that somebody is in stays, and says so", async () => {
  await signIn();
  await page.setViewportSize({ width: 375, height: 800 });
  const step = (outcome: string) => recordStep(sample.store, { run: "p3-1", kind: "tool", at: Date.now(), outcome });
  await page.getByText("live", { exact: true }).waitFor();
  const table = page.getByRole("region", { name: "Newest steps of p3-1" });
  await table.focus();
  await table.evaluate((node) => ((node as { scrollLeft: number }).scrollLeft = 40));
  step("in the table");
  await page.getByText("in the table").waitFor();
  expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("Newest steps of p3-1");
  expect(await table.evaluate((node) => (node as { scrollLeft: number }).scrollLeft)).toBe(40);
  await page.getByText("Stop this run …").focus();
  step("kept back");
  await page.getByText("live, but for the part that you are in").waitFor();
  expect(await page.getByText("kept back").count()).toBe(0);
  await table.focus();
  await page.getByText("kept back").waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  expect(wrong).toEqual([]);
}, 240_000);

test("by keyboard alone: to the content, and a note forgotten", async () => {
  await signIn();
  await page.goto("/memory");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("To the content");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Forget number 1" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => sample.options.look.notes("", 9).length, { timeout: 60_000 }).toBe(1);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${url()}/login`);
  expect(wrong).toEqual([]);
}, 240_000);

test("without script every page still reads, and a code can be typed in", async () => {
  const plain = await browser.newContext({ baseURL: url(), javaScriptEnabled: false });
  const still = await plain.newPage();
  await still.goto("/login");
  await still.getByLabel("Token", { exact: true }).fill(adminToken);
  await still.getByLabel(/Your name/).fill("alice");
  await still.getByRole("button", { name: "Sign in with the token" }).click();
  await still.waitForURL(`${url()}/`);
  expect(await still.getByRole("heading", { level: 1 }).textContent()).toBe("Now");
  await plain.close();
}, 240_000);
