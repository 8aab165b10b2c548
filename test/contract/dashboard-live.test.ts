/** The dashboard of a harness that works: its own process, a real Mattermost, the rehearsal model, Chromium. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript, scriptSchema } from "../../src/rehearsal/script.ts";
import { type AgentFolder, type AgentProcess, agentFolder, startAgentProcess } from "../support/agent-process.ts";
import { expectSound, openBrowser, watchPage } from "../support/browser.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";

const root = mkdtempSync(join(tmpdir(), "olympus-dashboard-live-"));
const script = scriptSchema.parse({
  answers: [
    { match: "ponder", reply: "pondered", delay: 3600 },
    { match: "how many customers", tools: [{ name: "read_sensitive", input: { name: "customers", why: "to count" } }] },
    { match: "carol, dave", reply: "There are two." },
    ...loadScript().answers,
  ],
});
const patience = { timeout: 120_000 };

let mattermost: MattermostServer;
let team: ChatTeam;
let model: RehearsalServer;
let folder: AgentFolder;
let agent: AgentProcess;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What must stay empty, but for what a browser says of an agent that restarts: messages in the console, and requests that went elsewhere. */
let wrong: string[];

beforeAll(async () => {
  mattermost = await startMattermost();
  team = await seedChatTeam(mattermost.url);
  model = await startRehearsal({ script });
  writeFileSync(join(root, "customers"), "carol, dave\n");
  folder = await agentFolder(join(root, "athena"), team, model.url, (config) => ({
    ...config,
    chat: {
      ...config.chat,
      people: (config.chat.people ?? []).map((one) =>
        one.name === "alice" ? { ...one, approve: ["sensitive" as const] } : one,
      ),
    },
    policy: { sensitive: [{ name: "customers", about: "who they are", file: join(root, "customers") }] },
  }));
  agent = await startAgentProcess(folder);
  browser = await openBrowser();
  context = await browser.newContext({ baseURL: url() });
  context.setDefaultTimeout(patience.timeout);
  page = await context.newPage();
  wrong = watchPage(page, url);
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await agent?.stop("SIGKILL");
  await model?.close();
  await mattermost?.stop();
  rmSync(root, { recursive: true, force: true });
}, 120_000);

/**
 * The pictures of the docs are of this run: OLYMPUS_SCREENS=1 writes them anew, each with an outline of its words. A page that looks
 * otherwise by now has another outline than its picture.
 */
async function picture(name: string, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 720 });
  const at = (end: string) => join(projectRoot, `docs/reference/screens/${name}.${end}`);
  const png = await page.screenshot();
  expect(png.length).toBeLessThan(120_000);
  const lines = await page
    .locator("h1, h2, h3, th, dt, label, button, summary, nav a")
    .evaluateAll((nodes) =>
      (nodes as unknown as { localName: string; textContent: string }[]).map(
        (node) => `${node.localName} ${node.textContent}`,
      ),
    );
  const outline = (picture: Buffer) => `${createHash("sha256").update(picture).digest("hex")}\n${lines.join("\n")}\n`;
  if (process.env.OLYMPUS_SCREENS === "1") {
    writeFileSync(at("png"), png);
    writeFileSync(at("txt"), outline(png));
  }
  expect(readFileSync(at("txt"), "utf8"), "OLYMPUS_SCREENS=1 takes the pictures anew").toBe(
    outline(readFileSync(at("png"))),
  );
}

const url = () => `http://127.0.0.1:${folder.port}`;
const says = (text: string) => team.say(team.people.alice, team.channels.work!, text);
const said = async (postId: string) =>
  (await team.answers(postId, team.bots.athena!, 1, 120)).map(({ message }) => message);

const postPlace = (id: string) => `${team.url}/_redirect/pl/${id}`;
const threadAt = async (place: string, words: string) => {
  await page.goto(place);
  return page.getByRole("link", { name: words, exact: true }).first().getAttribute("href");
};

test("a person sees work begin without a reload, stops it, has it done once more, pauses and resumes, over a restart", async () => {
  const answer = await fetch(`${url()}/api/links`, {
    method: "POST",
    headers: { authorization: `Bearer ${folder.dashboardToken}` },
    body: JSON.stringify({ person: "alice" }),
  });
  const { code } = (await answer.json()) as { code: string };
  await page.goto(`/login#${code}`);
  await page.getByText("Idle: nothing is under way.").waitFor();
  await page.getByText("live", { exact: true }).waitFor();

  const asked = await says("@athena ponder this");
  await page.getByText(/for alice, began/).waitFor();
  await page.getByRole("region", { name: /^Newest steps/ }).waitFor();
  await picture("now-phone", 390);
  await picture("now", 960);
  await page.getByText("Stop this run …").click();
  await page.getByRole("button", { name: "Stop this run" }).click();
  await page.getByText("failed: stopped by alice").first().waitFor();
  await picture("run", 960);
  const run = new URL(page.url()).pathname;
  expect(await said(asked.id)).toEqual(["Stopped by alice, on my dashboard. `!retry` begins it again."]);

  await page.getByRole("button", { name: "Do it once more" }).click();
  await page.waitForURL(`${url()}/`);
  await page.getByText(/for alice, began/).waitFor();
  await page.getByText("Stop this run …").click();
  await page.getByRole("button", { name: "Stop this run" }).click();
  await page.getByText("failed: stopped by alice").first().waitFor();

  await page.goto("/");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText(/Paused by alice/).waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  const waits = await says("@athena hello, are you there?");
  await page.getByRole("heading", { name: "Next (1)" }).waitFor();
  await agent.stop();
  await page.getByText("not live").waitFor();
  agent = await startAgentProcess(folder);
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByText(/Paused by alice/).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("heading", { name: "Next (0)" }).waitFor();
  expect(await said(waits.id)).toHaveLength(1);

  const counted = await says("@athena how many customers are there?");
  await page.getByText("read customers waits for alice").waitFor();
  await expectSound(page, ["/", "/gates", "/runs", run]);
  expect(await threadAt("/gates", "its thread")).toBe(postPlace(counted.id));
  expect(await threadAt(run, "the post in Mattermost")).toBe(postPlace(asked.id));
  await page.goto("/gates");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Nothing waits for anybody.").waitFor();
  await expect.poll(async () => (await said(counted.id)).at(-1), patience).toBe("There are two.");
  await page.goto("/runs");
  await page.getByRole("link", { name: "how many customers" }).click();
  await page.getByRole("link", { name: /messages between harness and model/ }).click();
  await page.getByText("chat, assistant: read_sensitive").click();
  await page.locator("pre", { hasText: "to count" }).waitFor();
  const messages = new URL(page.url()).pathname;
  expect(await page.content()).not.toContain("carol, dave");

  const kept = await says("@athena remember: the shop closes at six");
  expect(await said(kept.id)).toHaveLength(1);
  await page.goto("/memory");
  await page.getByText("the shop closes at six").waitFor();
  for (const [path, words] of [
    ["/costs", "rehearsal/"],
    ["/log", "a run begins"],
    ["/settings", "alice"],
    ["/conversations", "how many customers"],
  ] as const) {
    await page.goto(path);
    expect([path, await page.content()]).toEqual([path, expect.stringContaining(words)]);
  }
  await page.getByRole("link", { name: "how many customers" }).click();
  await page.getByText("There are two.").waitFor();
  expect(await threadAt(new URL(page.url()).pathname, "The whole thread")).toBe(postPlace(counted.id));
  await expectSound(page, [
    "/conversations",
    new URL(page.url()).pathname,
    messages,
    "/memory",
    "/costs",
    "/log",
    "/settings",
  ]);
  const restart =
    /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK|ERR_EMPTY|ERR_CONNECTION_RESET|status of 503/;
  expect(wrong.filter((message) => !restart.test(message))).toEqual([]);
}, 600_000);
