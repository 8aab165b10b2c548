/** The dashboard of an agent that has worked on an issue of the rehearsal forge and waits for an approval: its pages in Debian's Chromium. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { grantLine, scopes } from "../../src/base/grants.ts";
import { Secret } from "../../src/base/secret.ts";
import { KeptLog } from "../../src/dashboard/kept-log.ts";
import { Look } from "../../src/dashboard/look.ts";
import { type Dashboard, startDashboard } from "../../src/dashboard/server.ts";
import { actionsOf } from "../../src/harness/actions.ts";
import { silentLog } from "../../src/harness/log.ts";
import { recentRuns } from "../../src/harness/store/runs.ts";
import { expectSound, openBrowser, watchPage } from "../support/browser.ts";
import { adminToken, sampleDashboard } from "../support/dashboard.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

const repo = { owner: "zeus", repo: "app" };
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 300_000, interval: 200 });

let tried: TriedForge;
let agent: ForgeAgent;
/** Looks at what the agent changed. */
let colleague: ForgeAgent;
let browser: Browser;
let page: Page;
let dashboard: Dashboard;
let wrong: string[];

/** Changes the README and submits it; a review finds nothing. */
const works: ForgePlay = ({ messages, tools }) => {
  if (tools?.some(({ name }) => name === "finish_review"))
    return { name: "finish_review", input: { verdict: "pass", summary: "Nothing against it.", findings: [] } };
  return messages.some(({ role }) => role === "tool")
    ? { name: "submit", input: { summary: "The README says hello now." } }
    : { name: "bash", input: { script: "echo '<b>hello</b>' >> README.md && cat README.md" } };
};

beforeAll(async () => {
  tried = await tryForge({ limits: { contentMinute: 100_000, hour: 1_000_000 } });
  const chat = playedTeam();
  const names = ["athena", "apollo"];
  agent = await forgeAgent("apollo", tried.forge.api, names, chat, works, { policy: {} });
  const change = { repositories: [{ name: app, work: false }] };
  colleague = await forgeAgent("athena", tried.forge.api, names, chat, works, { policy: {}, change });
  const { config, store, clock } = agent.parts;
  const log = new KeptLog(silentLog, [], () => clock.now());
  const { status: sample, close } = sampleDashboard(undefined, false);
  close();
  dashboard = await startDashboard({
    address: "127.0.0.1",
    port: 0,
    hosts: [],
    token: new Secret("t", grantLine(adminToken, scopes)),
    sessionsFile: join(config.dataDir, "sessions.json"),
    look: new Look({
      config,
      store,
      log,
      secrets: [],
      now: () => clock.now(),
      status: () => ({ ...sample, now: clock.now(), harness: agent.harness.state(), runs: recentRuns(store, 20) }),
    }),
    acts: actionsOf({ config, store, clock, harness: agent.harness }),
    log,
  });
  browser = await openBrowser();
  const context = await browser.newContext({ baseURL: url() });
  context.setDefaultTimeout(60_000);
  page = await context.newPage();
  wrong = watchPage(page, url);
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await dashboard?.close();
  await agent?.close();
  await colleague?.close();
  await tried?.forge.close();
  rmSync(tried.dir, { recursive: true });
}, 120_000);

const url = () => `http://127.0.0.1:${dashboard.port}`;

test("an issue that was worked on and waits for an approval: Now, its run, messages and diff, and its gate are sound at both widths, and lead to the forge", async () => {
  await agent.start();
  await colleague.start();
  const zeus = tried.as("token-of-zeus");
  await zeus.issues.create({ ...repo, title: "Say hello", body: "At the end.", labels: ["olympus"] });
  await page.goto("/login");
  await page.getByLabel("Token", { exact: true }).fill(adminToken);
  await page.getByLabel(/Your name/).fill("alice");
  await page.getByRole("button", { name: "Sign in with the token" }).click();
  await page.getByText(/waits for alice/).waitFor();
  await soon(() => agent.ended("issue").length).toBe(1);
  const [{ id }] = agent.store.all<{ id: string }>("SELECT id FROM runs WHERE kind = 'issue'") as [{ id: string }];
  const run = `/runs/${id}`;

  await page.goto(`${run}/changes`);
  await page.getByText("+<b>hello</b>").first().waitFor();
  await page.goto(`${run}/messages`);
  await page.getByText("code, assistant: bash").first().waitFor();
  await page.goto("/gates");
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await expectSound(page, ["/", "/runs", run, `${run}/messages`, `${run}/changes`, "/gates"]);

  const leads = async (place: string, words: string): Promise<string> => {
    await page.goto(place);
    const href = await page.getByRole("link", { name: words, exact: true }).first().getAttribute("href");
    // There is such a page, for whoever may see it.
    const answer = await fetch(href!, { headers: { authorization: `Basic ${btoa("zeus:token-of-zeus")}` } });
    return `${new URL(href!).pathname} ${answer.status}`;
  };
  expect(await leads("/", "the pull request")).toBe("/zeus/app/pull/2 200");
  expect(await leads("/gates", "merge zeus/app#2")).toBe("/zeus/app/pull/2 200");
  expect(await leads(run, "zeus/app#1")).toBe("/zeus/app/issues/1 200");
  expect(wrong).toEqual([]);
}, 900_000);
