/** The dashboard over a database of its own, without a harness: with words that want to be markup wherever others have a word. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grantLine, scopes } from "../../src/base/grants.ts";
import { Secret } from "../../src/base/secret.ts";
import { dashboardApp } from "../../src/dashboard/app.ts";
import { KeptLog } from "../../src/dashboard/kept-log.ts";
import { Look } from "../../src/dashboard/look.ts";
import type { DashboardOptions } from "../../src/dashboard/server.ts";
import type { AgentStatus } from "../../src/dashboard/status.ts";
import { actionsOf } from "../../src/harness/actions.ts";
import { type AgentConfigInput, parseAgentConfig } from "../../src/harness/config.ts";
import { wishGate } from "../../src/harness/gates/book.ts";
import { silentLog } from "../../src/harness/log.ts";
import { receive } from "../../src/harness/store/inbox.ts";
import { keepNote } from "../../src/harness/store/memory.ts";
import { openStore, type Store } from "../../src/harness/store/open.ts";
import { drop, handOver, markSent, nextPart } from "../../src/harness/store/outbox.ts";
import { claimNext, finish, type OpenRun, recentRuns } from "../../src/harness/store/runs.ts";
import { recordStep } from "../../src/harness/store/steps.ts";
import { keepChange, turnsOf } from "../../src/harness/store/turns.ts";
import { cancelIn } from "../../src/harness/store/work.ts";

/** Every way out of text into markup, and characters that turn a line around. `n` makes it findable. */
export const hostile = (n: string): string =>
  `${n}"><script>alert('${n}')</script><img src=x onerror=alert(1)></textarea>\`\${1}&lt;b\u202Eevil\u001B[31m javascript:alert(1)`;

export const adminToken = "admin-token-of-tests";
export const readToken = "read-token-of-tests";
export const host = "10.220.1.50:18789";
const secret = "sk-secret-that-nobody-may-see";

export interface SampleDashboard {
  readonly options: DashboardOptions;
  readonly store: Store;
  readonly dir: string;
  status: AgentStatus;
  now: number;
  readonly request: (path: string, headers?: Record<string, string>, init?: RequestInit) => Promise<Response>;
  readonly streams: ReturnType<typeof dashboardApp>["streams"];
  readonly close: () => void;
}

/** `words` gives what others wrote; ids stay plain but for lanes and runs. */
export function sampleDashboard(words: (name: string) => string = (name) => name, filled = true): SampleDashboard {
  const dir = mkdtempSync(join(tmpdir(), "olympus-dashboard-"));
  const store = openStore(dir);
  const now = Date.parse("2026-11-21T12:00:00Z");
  const config = parseAgentConfig(JSON.stringify(configOf(dir, words)), "agent.json");
  const secrets = [new Secret("models.openai", secret)];
  const log = new KeptLog(silentLog, secrets, () => now);
  const status: AgentStatus = {
    version: 1,
    agent: config.agent,
    team: config.team,
    rehearsal: true,
    models: config.models.map(({ provider, model }) => `${provider}/${model}`),
    build: "0123456789abcdef",
    gates: [],
    quietSince: undefined,
    startedAt: now - 3_600_000,
    now,
    memoryMb: 71,
    spentToday: 0.1,
    budgetDay: 5,
    overBudget: false,
    harness: {
      chat: "connected",
      reason: undefined,
      connectedAt: now - 60_000,
      caughtUpAt: now - 50_000,
      waiting: 0,
      waitingSince: undefined,
      running: [],
      undelivered: 0,
      undeliveredSince: undefined,
      draining: false,
      paused: undefined,
      failing: [],
    },
    tools: { state: "none" },
    runs: [],
    dropped: [],
  };
  const sample = { status, now };
  if (filled) fill(store, now, words, sample, log);
  const options: DashboardOptions = {
    address: "10.220.1.50",
    port: 18789,
    hosts: [],
    token: new Secret(
      "t",
      [
        grantLine(adminToken, scopes),
        grantLine(readToken, ["read"]),
        grantLine("old-token", scopes, "2026-11-20"),
      ].join("\n"),
    ),
    sessionsFile: join(dir, "sessions.json"),
    look: new Look({
      config,
      store,
      log,
      secrets,
      status: () => sample.status,
      now: () => sample.now,
    }),
    acts: actionsOf({
      config,
      store,
      clock: { now: () => sample.now },
      harness: {
        halt: async (place, until, outcome, tell) => {
          tell?.();
          return cancelIn(store, place, until, outcome, sample.now).runs.length;
        },
        wake: () => undefined,
      },
    }),
    log,
  };
  const { app, streams } = dashboardApp(options, () => new Set([host]));
  return Object.assign(sample, {
    options,
    store,
    dir,
    streams,
    request: async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
      app.request(`http://${host}${path}`, { ...init, headers: { host, ...headers } }),
    close() {
      streams.closeAll();
      store.close();
      rmSync(dir, { recursive: true });
    },
  });
}

function configOf(dir: string, words: (name: string) => string): AgentConfigInput {
  return {
    version: 1,
    agent: "athena",
    team: words("team"),
    hypervisor: words("hypervisor"),
    persona: words("persona"),
    facts: [words("known")],
    chat: {
      url: "http://10.220.1.20:8065",
      tokenFile: "x",
      botId: "bot",
      people: [
        { id: "alice", name: "alice", command: true, approve: [words("gate"), "merge"] },
        { id: "carol", name: "carol" },
        { id: "dora", name: "dora", approve: ["deploy"] },
        { id: "odd", name: words("person") },
      ],
      agents: [{ id: "hermes", name: "hermes" }],
    },
    models: [{ provider: "rehearsal", model: words("model"), baseUrl: "http://127.0.0.1:1" }],
    budget: { run: 1, day: 5, dayTokens: 1_000_000 },
    // As many as there are by default, and written down all the same.
    limits: { runs: 7, calls: 4 },
    origins: {
      models: "defaults.models",
      budget: "agents.athena.budget",
      "limits.runs": "agents.athena.limits.runs",
      "limits.calls": "defaults.limits.calls",
    },
    policy: { merge: [{ paths: [words("path")] }], destructive: { commands: [words("marked")] } },
    schedules: [
      {
        name: "daily",
        at: "0 9 * * 1-5",
        channel: `team/${words("channel").replaceAll("/", "")}`,
        task: words("task"),
      },
    ],
    listen: { address: "10.220.1.50", port: 18789, tokenFile: "x" },
    dataDir: dir,
  };
}

function fill(
  store: Store,
  now: number,
  words: (name: string) => string,
  sample: { status: AgentStatus },
  log: KeptLog,
): void {
  const begin = (id: string, author: string, at: number): OpenRun => {
    const payload = { id, text: `${words(`asked-${id}`)} ${secret}`, authorId: author, channelId: "c", rootId: id };
    receive(
      store,
      {
        source: "mattermost",
        sourceId: id,
        lane: words(`lane-${id}`),
        kind: "mention",
        author,
        createdAt: at,
        payload,
      },
      at,
    );
    return claimNext(store, at)!;
  };
  const model = {
    run: "",
    kind: "model",
    provider: "rehearsal",
    model: words("model"),
    usd: 0.25,
    inputTokens: 1200,
    outputTokens: 30,
  } as const;
  const answered = begin("p1", words("author"), now - 600_000);
  recordStep(store, { run: answered.id, kind: "ack", at: now - 600_000, tookMs: 12, outcome: "ok" });
  recordStep(store, {
    ...model,
    run: answered.id,
    at: now - 599_000,
    tookMs: 900,
    outcome: "ok",
    detail: words("detail"),
  });
  handOver(store, answered, [{ text: words("answer") }], "answered", now - 598_000);
  markSent(store, nextPart(store, answered.id)!, "post", now - 597_000);
  finish(store, answered, "done", "answered", now - 597_000);
  const failed = begin("p2", "alice", now - 500_000);
  recordStep(store, {
    run: failed.id,
    kind: "tool",
    at: now - 500_000,
    outcome: words("failure"),
    detail: words("output"),
  });
  handOver(store, failed, [{ text: words("lost answer") }], words("outcome"), now - 490_000);
  drop(store, nextPart(store, failed.id)!, words("refused"));
  finish(store, failed, "failed", words("outcome"), now - 490_000);
  const open = begin("p3", "alice", now - 60_000);
  recordStep(store, { ...model, run: open.id, at: now - 59_000, outcome: "started" });
  turnsOf(store, open.id, "code").append({
    role: "assistant",
    content: words("thought"),
    calls: [{ id: "1", name: "bash", input: { script: words("script") } }],
  });
  const result = { role: "tool", call: { id: "1", name: words("tool") } } as const;
  turnsOf(store, open.id, "code").append({ ...result, content: words("printed") });
  turnsOf(store, open.id, "code").append({ ...result, content: "released-to-it-alone", sensitive: true });
  const diff = `diff --git a/${words("file")}\n@@ -1 +1 @@\n-${words("old")}\n+${words("new")}\n same\n`;
  keepChange(store, open.id, { repo: words("repo"), head: words("head"), diff });
  const payload = { id: "p4", text: words("queued"), authorId: "alice", channelId: "c", rootId: "p4" };
  receive(
    store,
    {
      source: "mattermost",
      sourceId: "p4",
      lane: "waiting",
      kind: "mention",
      author: words("waiter"),
      createdAt: now,
      payload,
    },
    now,
  );
  keepNote(
    store,
    { kind: "note", text: words("note"), author: "gone", name: words("noter"), at: now - 5000 },
    words("post"),
  );
  keepNote(store, { kind: "fact", text: "always kind", author: "alice", name: "alice", at: now - 5000 }, "factpost");
  const gate = {
    kinds: ["merge"],
    approvers: undefined,
    run: answered.id,
    number: 3,
    author: words("writer"),
    lenses: [],
  } as const;
  wishGate(store, { ...gate, action: words("action"), repo: words("repo"), commit: words("commit") }, now - 60_000, 24);
  log.info({ by: words("field") }, words("message"));
  log.error({}, "second line");
  sample.status = {
    ...sample.status,
    harness: {
      ...sample.status.harness,
      reason: words("reason"),
      paused: { by: words("pauser"), since: now - 5000 },
      waiting: 1,
      failing: [{ model: `rehearsal/${words("model")}`, since: now - 90_000, why: "key refused" }],
      running: [{ id: open.id, lane: open.lane, kind: "mention", since: now - 60_000 }],
    },
    runs: recentRuns(store, 20),
    dropped: [{ run: failed.id, at: now, reason: words("refused") }],
    tools: { state: "off", reason: words("no tools") },
    forge: [words("no forge")],
  };
}
