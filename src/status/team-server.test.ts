import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { hostile, sampleDashboard } from "../../test/support/dashboard.ts";
import { OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import type { Drift } from "../converge/drift.ts";
import { loadTeam } from "../team/load.ts";
import { withDrift } from "./status.ts";
import { teamPage } from "./team-page.ts";
import { startTeamDashboard, type TeamDashboard } from "./team-server.ts";

const agentToken = "token-of-the-agent";
const secrets = {
  get: () => undefined,
  require: (path: string) => {
    if (path.startsWith("agents.")) return new Secret(path, agentToken);
    throw new OlympusError(`${path} is not set`, { code: "E-SECRET-MISSING" });
  },
} as unknown as SecretStore;

let folder: string;
let agent: Server;
let page: TeamDashboard;
let running: Promise<unknown>;
const end = new AbortController();

// One agent answers, with hostile words; the chat, the model and both hypervisors are down.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-team-page-"));
  const file = join(folder, "team.yaml");
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  writeFileSync(file, example.replaceAll("10.220.1.", "127.77.9."));
  const sample = sampleDashboard(hostile);
  agent = createServer((_request, response) => response.end(JSON.stringify(sample.status)));
  sample.close();
  await new Promise<void>((resolve) => agent.listen(18789, "127.77.9.50", resolve));
  page = await startTeamDashboard(await loadTeam(file), secrets, 0, 200);
  running = page.run(end.signal).catch(() => undefined);
});
afterAll(async () => {
  end.abort();
  await running;
  await page.close();
  agent.close();
  rmSync(folder, { recursive: true });
});

async function signIn() {
  const link = new URL(page.link());
  const body = new URLSearchParams({ code: link.hash.slice(1) });
  const options = { method: "POST", body, redirect: "manual" as const, headers: { origin: link.origin } };
  const done = await fetch(`${link.origin}/login`, options);
  const cookie = done.headers.get("set-cookie")?.split(";")[0] ?? "";
  return { origin: link.origin, cookie, again: () => fetch(`${link.origin}/login`, options) };
}

it("F1 shows nobody anything without its link, which is good once", async () => {
  const { origin, cookie, again } = await signIn();
  for (const path of ["/", "/api/status", "/api/events"])
    expect([path, (await fetch(origin + path)).status]).toEqual([path, 401]);
  expect((await again()).status).toBe(401);
  const foreign = await fetch(origin, { headers: { cookie, origin: "http://evil.example" } });
  expect(foreign.status).toBe(403);
});

it("F9 tells of everybody while half of them are down, and hostile words stay words", async () => {
  const { origin, cookie } = await signIn();
  const read = async () => (await fetch(origin, { headers: { cookie } })).text();
  await expect.poll(read, { timeout: 60_000 }).toContain('agora</strong> <span class="bad">unreachable');
  await expect.poll(read, { timeout: 60_000 }).toContain('athena</strong> <span class="bad">broken');
  const text = await read();
  expect(text).toContain("no shell: no tools&quot;&gt;&lt;script&gt;");
  expect(text).toContain("$0.10 of $5.00");
  expect(text).toContain('<a rel="noreferrer" href="http://127.77.9.50:18789">athena</a>');
  expect(text).not.toContain("<script>alert");
  expect(text).not.toContain(agentToken);
  expect(Buffer.byteLength(text)).toBeLessThan(30_000);
});

it("is live: each answer is news", async () => {
  const { origin, cookie } = await signIn();
  const response = await fetch(`${origin}/api/events?kinds=state`, { headers: { cookie } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let told = "";
  const news = () => /^event: state\ndata: \{"host":"athena",/m.test(told);
  for (let part = await reader.read(); !part.done && !news(); part = await reader.read()) told += part.value;
  await reader.cancel();
  expect(news()).toBe(true);
});

it("leads to the chat and to each repository", () => {
  const repositories = new Map([["olympus/app", "https://github.com/olympus/app"]]);
  const chat = "http://10.0.0.1:8065";
  const page = teamPage({ team: "t", now: 1, hosts: [], seen: new Map(), chat, dashboards: new Map(), repositories });
  expect(page).toContain('<a rel="noreferrer" href="http://10.0.0.1:8065">the chat</a>');
  expect(page).toContain('<a rel="noreferrer" href="https://github.com/olympus/app">olympus/app</a>');
});

it("says who did not answer yet, and what nobody looked for", () => {
  const view = {
    team: "t",
    now: 1,
    hosts: ["a", "b"],
    seen: new Map(),
    chat: undefined,
    dashboards: new Map(),
    repositories: new Map(),
  };
  expect(teamPage(view)).toContain("Asking everybody");
  const status = { name: "a", kind: "agent", state: "fine", detail: "agent: idle", next: "" } as const;
  const page = (drift?: Drift) =>
    teamPage({ ...view, seen: new Map([["a", { status: withDrift(status, drift), at: 0 }]]) });
  expect(page()).toContain("No answer yet: b");
  expect(page()).toContain("Nobody looked for drift");
  expect(page({ at: 0, pending: 0 })).toContain("<p>Drift: none</p>");
  expect(page({ at: 0, pending: 2 })).toContain('<p>Drift: <span class="warn">a</span></p>');
  expect(page({ at: 0, pending: 2 })).toContain('<span class="warn">2 changes</span>');
  expect(page({ at: 0, pending: 1 })).toContain("<code>npx olympus role check --host a</code>");
});
