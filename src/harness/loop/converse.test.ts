/** A mention that needs a shell, from the post to the answer; the sandbox itself is tried in test/contract. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { Secret } from "../../base/secret.ts";
import { FakeChatServer } from "../chat/fake.ts";
import { systemClock } from "../clock.ts";
import { Harness, type HarnessParts } from "../harness.ts";
import { silentLog } from "../log.ts";
import type { ModelReply, ModelRequest, ToolCall } from "../model-port.ts";
import type { CommandResult } from "../sandbox/command.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { Unavailable } from "../sandbox/unavailable.ts";
import { openWorkspace, workspacesOf } from "../sandbox/workspace.ts";
import { waiting } from "../store/inbox.ts";
import { openStore, type Store } from "../store/open.ts";
import { recentRuns } from "../store/runs.ts";
import { Workshop } from "./workshop.ts";

const config = agentConfig({
  persona: "You develop.",
  chat: {
    people: [{ id: "bob-id", name: "bob", command: true }],
  },
  budget: { run: 1, day: 1 },
  sandbox: {},
});

let dir: string;
let store: Store;
let server: FakeChatServer;
let harness: Harness | undefined;
let asked: ModelRequest[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-converse-"));
  store = openStore(dir);
  server = new FakeChatServer();
  for (const name of ["athena", "bob"]) server.addUser(`${name}-id`, name);
  server.addChannel("work", ["athena-id", "bob-id"]);
  asked = [];
});
afterEach(async () => {
  await harness?.stop();
  store.close();
  rmSync(dir, { recursive: true });
});

type Turn = { text?: string; call?: Pick<ToolCall, "name" | "input"> };

async function start(
  sandbox: () => Promise<Sandbox>,
  turns: readonly Turn[],
  on: Pick<HarnessParts, "store" | "log"> = { store, log: silentLog },
): Promise<void> {
  const reply = ({ text = "", call }: Turn): ModelReply => ({
    text,
    finish: "stop",
    inputTokens: 1,
    cachedTokens: 0,
    outputTokens: 1,
    ...(call === undefined ? {} : { calls: [{ id: `c${asked.length}`, ...call }] }),
  });
  harness = new Harness({
    config: { ...config, dataDir: dir },
    ...on,
    chat: server.client("athena-id"),
    clock: systemClock(1000),
    models: {
      call: async (_, request) => {
        asked.push(request);
        return reply(turns[Math.min(asked.length, turns.length) - 1]!);
      },
    },
    workshop: new Workshop(async () => ({ sandbox: await sandbox(), hosts: ["npm.example:443"] }), silentLog),
    secrets: [new Secret("chat", "chat-token-canary")],
  });
  await harness.start();
}

/** Runs nothing: prints what it was given, and a secret. */
function fakeSandbox(scripts: string[]): Sandbox {
  return {
    population: async () => 0,
    openEmpty: () => Promise.reject(new Error("nothing is checked here")),
    open: async () => ({
      workspace: { folder: "", work: "", home: "", attach: "", output: "" },
      close: async () => void scripts.push("closed"),
      prepare: () => undefined,
      run: async (script): Promise<CommandResult> => {
        scripts.push(script);
        const text = script.startsWith("find") ? "result.txt (5 bytes)\n1\n" : `ran ${script}, chat-token-canary`;
        return { code: 0, ending: "exited", output: { text, bytes: 9, cut: false }, tookMs: 1, outOfProcesses: false };
      },
    }),
  };
}

async function answer(text: string): Promise<string> {
  const post = server.say("bob-id", "work", text);
  const found = () => server.posts.find(({ rootId, marker }) => rootId === post.id && marker?.part === 0)?.text;
  await expect.poll(found, { timeout: 30_000 }).toBeDefined();
  return found()!;
}

test("the conversation has typed tools only; the task is done in a run of its own, with a shell", async () => {
  const scripts: string[] = [];
  await start(
    async () => fakeSandbox(scripts),
    [
      { call: { name: "work", input: { task: "make a file" } } },
      { call: { name: "bash", input: { script: "echo hello > result.txt" } } },
      { call: { name: "submit", input: { summary: "It is made." } } },
      { text: "Done: the file is there." },
    ],
  );
  expect(await answer("@athena please make a file")).toContain("Done: the file is there.");
  expect(asked.map(({ tools }) => tools?.map(({ name }) => name))).toEqual([
    ["work"],
    ["bash", "submit"],
    ["bash", "submit"],
    ["work"],
  ]);
  expect(asked[1]!.system).toContain("npm.example:443");
  expect(asked[1]!.messages).toEqual([{ role: "user", content: "make a file" }]);
  // What the harness saw is told beside what the model says.
  expect(asked[3]!.messages.at(-1)!.content).toMatch(/It is made\.[\s\S]*result\.txt \(5 bytes\)/);
  expect(scripts.at(-1)).toBe("closed");
  expect(store.all("SELECT kind, detail FROM steps WHERE kind = 'tool' ORDER BY id")).toMatchObject([
    { detail: "bash: [exit code 0]" },
    { detail: "submit: submitted" },
    { detail: expect.stringMatching(/^work: It is made/) },
  ]);
  // Both conversations stay to be looked at.
  expect(store.all("SELECT part, count(*) AS n FROM turns GROUP BY part")).toEqual([
    { part: "chat", n: 3 },
    { part: "code", n: 4 },
  ]);
});

const twoTasks: readonly Turn[] = [
  { call: { name: "work", input: { task: "make a file" } } },
  { call: { name: "submit", input: { summary: "It is made." } } },
  { call: { name: "work", input: { task: "remove the file" } } },
  { call: { name: "bash", input: { script: "rm result.txt" } } },
  { call: { name: "submit", input: { summary: "It is removed." } } },
  { text: "Made and removed." },
];

test("a second task of a run is another one, with a conversation and an outcome of its own", async () => {
  await start(async () => fakeSandbox([]), twoTasks);
  expect(await answer("@athena make a file, then remove it")).toBe("Made and removed.");
  expect(asked).toHaveLength(6);
  expect(asked[1]!.messages).toEqual([{ role: "user", content: "make a file" }]);
  expect(asked[3]!.messages).toEqual([{ role: "user", content: "remove the file" }]);
  expect(asked[5]!.messages.at(-1)!.content).toContain("It is removed.");
});

test("broken off in its second task, a run goes on there: the first is neither done again nor mistaken for it", async () => {
  const sandbox = fakeSandbox([]);
  const until = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  const opening = async (run: string) => {
    const opened = await sandbox.open(run);
    const broken: typeof opened.run = (script, seconds, signal) =>
      script.startsWith("rm") ? until(signal) : opened.run(script, seconds, signal);
    return { ...opened, run: broken };
  };
  await start(async () => ({ ...sandbox, open: opening }), twoTasks);
  const post = server.say("bob-id", "work", "@athena make a file, then remove it");
  await expect.poll(() => asked.length, { timeout: 30_000 }).toBe(4);
  await harness!.stop();
  await start(async () => sandbox, twoTasks);
  const found = () => server.posts.find(({ rootId, marker }) => rootId === post.id && marker?.part === 0)?.text;
  await expect.poll(found, { timeout: 30_000 }).toBe("Made and removed.");
  expect(asked).toHaveLength(6);
  expect(asked[4]!.messages[0]).toEqual({ role: "user", content: "remove the file" });
  expect(asked[4]!.messages.at(-1)!.content).toContain("the harness was restarted while this ran");
  expect(asked[5]!.messages.at(-1)!.content).toContain("It is removed.");
});

test("what was said meanwhile is answered, also where the store does not take that it was seen", async () => {
  const warned: string[] = [];
  let seen = 0;
  const failing = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      return (...parts: unknown[]) => {
        // The first one is the mention's own.
        if (name === "run" && parts.includes("ack") && ++seen > 1) throw new Error("disk is full");
        return (value as (...parts: unknown[]) => unknown).apply(target, parts);
      };
    },
  });
  const scripts: string[] = [];
  const sandbox = fakeSandbox(scripts);
  const gate = Promise.withResolvers<void>();
  const open = async (run: string) => {
    const opened = await sandbox.open(run);
    return {
      ...opened,
      run: (...asked: Parameters<typeof opened.run>) => gate.promise.then(() => opened.run(...asked)),
    };
  };
  const log = { ...silentLog, warn: (_: object, message: string) => void warned.push(message) };
  await start(async () => ({ ...sandbox, open }), twoTasks.slice(2), { store: failing, log });
  const post = server.say("bob-id", "work", "@athena remove the file");
  await expect.poll(() => asked.length, { timeout: 30_000 }).toBe(2);
  server.say("bob-id", "work", "@athena and tell me", { rootId: post.id });
  await expect.poll(() => waiting(store), { timeout: 30_000 }).toBe(1);
  gate.resolve();
  const found = () => server.posts.find(({ rootId, marker }) => rootId === post.id && marker?.part === 0)?.text;
  await expect.poll(found, { timeout: 30_000 }).toBe("Made and removed.");
  expect(asked[2]!.messages.at(-1)!.content).toContain("and tell me");
  await expect.poll(() => warned, { timeout: 30_000 }).toContain("cannot note that a mention was seen");
});

test("files that were put aside for people come with the answer; what is not attached is said", async () => {
  const sandbox = fakeSandbox([]);
  const open = async (run: string) => {
    const opened = await sandbox.open(run);
    const { attach } = await openWorkspace(workspacesOf({ dataDir: dir }), run);
    writeFileSync(join(attach, "report.csv"), "a,b\n");
    writeFileSync(join(attach, "secret.txt"), "it is chat-token-canary");
    return { ...opened, workspace: { ...opened.workspace, attach } };
  };
  await start(
    async () => ({ ...sandbox, open }),
    [
      { call: { name: "work", input: { task: "make a report" } } },
      { call: { name: "submit", input: { summary: "It is made." } } },
      { text: "Here it is." },
    ],
  );
  expect(await answer("@athena a report please")).toBe(
    "Here it is.\n\n_Not attached: `secret.txt` (it holds a secret)._",
  );
  expect(asked[2]!.messages.at(-1)!.content).toContain("_Attached to the answer: `report.csv`._");
  const { files } = server.posts.find(({ marker }) => marker?.part === 0)!;
  expect(files).toMatchObject([{ name: "report.csv", size: 4 }]);
});

test("E4 E15 a secret that got into an output nevertheless reaches no model", async () => {
  await start(
    async () => fakeSandbox([]),
    [
      { call: { name: "work", input: { task: "look" } } },
      { call: { name: "bash", input: { script: "env" } } },
      { call: { name: "submit", input: { summary: "looked" } } },
      { text: "done" },
    ],
  );
  await answer("@athena look");
  expect(JSON.stringify(asked)).not.toContain("canary");
  expect(asked[2]!.messages.at(-1)!.content).toContain("[secret:chat]");
});

test("E5 a secret in what a model asks for is neither run nor kept nor shown to a model again", async () => {
  const scripts: string[] = [];
  await start(
    async () => fakeSandbox(scripts),
    [
      { call: { name: "work", input: { task: "push chat-token-canary" } } },
      { call: { name: "bash", input: { script: "echo chat-token-canary > .env" } } },
      { call: { name: "submit", input: { summary: "It is chat-token-canary." } } },
      { text: "done" },
    ],
  );
  await answer("@athena look");
  expect(scripts[0]).toBe("echo [secret:chat] > .env");
  expect(JSON.stringify(asked)).not.toContain("canary");
});

test("G7 where no sandbox can be made nothing is run, and the thread is told why", async () => {
  const noSandbox = async () => {
    throw new Unavailable("bubblewrap is not installed (package bubblewrap)");
  };
  await start(noSandbox, [{ call: { name: "work", input: { task: "make a file" } } }]);
  expect(await answer("@athena please make a file")).toContain("bubblewrap is not installed");
  expect(asked).toHaveLength(1);
  expect(recentRuns(store, 1)).toMatchObject([{ outcome: "no tools" }]);
});

test("a breaker of the task ends the whole run with one post that calls the person", async () => {
  await start(
    async () => fakeSandbox([]),
    [{ call: { name: "work", input: { task: "loop" } } }, { call: { name: "bash", input: { script: "ls" } } }],
  );
  expect(await answer("@athena loop")).toMatch(/I stop here: .* @bob/);
  expect(asked).toHaveLength(6);
});
