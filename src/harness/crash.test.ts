/**
 * The delivery contract, model-based: the harness dies before and after every single step that it takes outside of itself or in its
 * database, and is started again on what is left. Whatever the point: each mention, task and command has exactly one answer.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { plainSandbox } from "../../test/support/plain-sandbox.ts";
import { FakeChatServer } from "./chat/fake.ts";
import type { Chat, ChatPost } from "./chat-port.ts";
import { systemClock } from "./clock.ts";
import type { AgentConfig } from "./config.ts";
import { Harness } from "./harness.ts";
import { silentLog } from "./log.ts";
import { Workshop } from "./loop/workshop.ts";
import type { ModelCaller, ModelReply, ModelRequest } from "./model-port.ts";
import { progressPart } from "./progress-part.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { workspacesOf } from "./sandbox/workspace.ts";
import { openStore, type Store } from "./store/open.ts";

// In memory where the system has such a place: what dies here is the process, not the machine.
const root = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "olympus-crash-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const never = new Promise<never>(() => undefined);

/** Counts steps and, at the chosen one, freezes everything: nothing that the dead process would do next happens. */
class Fate {
  steps = 0;
  dead = false;
  readonly #at: number;
  readonly #after: boolean;

  constructor(at: number, after: boolean) {
    this.#at = at;
    this.#after = after;
  }

  /** A step in the database: throws when dead. */
  sync<T>(work: () => T): T {
    if (this.dead) throw new Error("dead");
    const fatal = ++this.steps === this.#at;
    if (fatal && !this.#after) this.#die();
    const result = work();
    if (fatal) this.#die();
    return result;
  }

  /** A step outside: hangs for ever when dead. */
  async async<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) return never;
    const fatal = ++this.steps === this.#at;
    if (fatal && !this.#after) {
      this.dead = true;
      return never;
    }
    // Also when it fails: a wait that is ended early has been.
    const result = await work().finally(() => {
      if (fatal) this.dead = true;
    });
    return this.dead ? never : result;
  }

  #die(): never {
    this.dead = true;
    throw new Error("dead");
  }
}

function mortalStore(store: Store, fate: Fate): Store {
  let nested = 0;
  return new Proxy(store, {
    get(target, name) {
      if (name === "transaction") {
        return <T>(work: () => T): T => {
          const whole = () => {
            nested++;
            try {
              return target.transaction(work);
            } finally {
              nested--;
            }
          };
          return nested > 0 ? whole() : fate.sync(whole);
        };
      }
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      const bound = value.bind(target) as (...parts: unknown[]) => unknown;
      return name === "run"
        ? (...parts: unknown[]) => (nested > 0 ? bound(...parts) : fate.sync(() => bound(...parts)))
        : bound;
    },
  });
}

function mortalChat(chat: Chat, fate: Fate): Chat {
  return {
    ...chat,
    open: (events) =>
      chat.open({
        connected: () => fate.dead || events.connected(),
        disconnected: (reason) => fate.dead || events.disconnected(reason),
        // A throw here would be the server's problem: the dead do not hear.
        posted: (post) => {
          if (fate.dead) return;
          try {
            events.posted(post);
          } catch (error) {
            if (!fate.dead) throw error;
          }
        },
      }),
    account: () => fate.async(chat.account),
    channels: () => fate.async(chat.channels),
    page: (channel, before) => fate.async(() => chat.page(channel, before)),
    thread: (id) => fate.async(() => chat.thread(id)),
    acknowledge: (id) => fate.async(() => chat.acknowledge(id)),
    post: (post) => fate.async(() => chat.post(post)),
    maxPost: () => fate.async(chat.maxPost),
    reactions: (id) => fate.async(() => chat.reactions(id)),
    edit: (id, text) => fate.async(() => chat.edit(id, text)),
    typing: (channel, root) => fate.async(() => chat.typing(channel, root)),
    file: (id, most) => fate.async(() => chat.file(id, most)),
    channelNamed: (name) => fate.async(() => chat.channelNamed(name)),
    names: (ids) => fate.async(() => chat.names(ids)),
  };
}

const config = agentConfig({
  chat: {
    people: [{ id: "alice-id", name: "alice", command: true }],
    maxAgeHours: 1e6,
  },
  budget: { run: 1, day: 1 },
});

interface Life {
  readonly harness: Harness;
  readonly fate: Fate;
  readonly store: Store;
}

const usage = { finish: "stop", inputTokens: 1, cachedTokens: 0, outputTokens: 1 } as const;

type Play = (request: ModelRequest) => ModelReply;

/** What a life has beside chat and store. */
interface World {
  readonly play: Play;
  readonly config: AgentConfig;
  /** What every command of a sandbox does. */
  readonly ran?: () => void;
  readonly now?: () => number;
}

const plain: World = {
  config,
  play: ({ messages }) => ({ text: `answer to ${messages.at(-1)!.content}`, ...usage }),
};

/** The sandbox without walls, whose commands are steps. */
function mortalSandbox(root: string, fate: Fate, ran: () => void): Sandbox {
  const sandbox = plainSandbox(root);
  return {
    ...sandbox,
    open: async (run) => {
      const opened = await sandbox.open(run);
      return {
        ...opened,
        run: (script, seconds, signal) =>
          fate.async(async () => {
            const result = await opened.run(script, seconds, signal);
            ran();
            return result;
          }),
      };
    },
  };
}

function live(server: FakeChatServer, dir: string, fate: Fate, world: World = plain): Life {
  const store = openStore(dir);
  const { ran, now = Date.now } = world;
  const models: ModelCaller = { call: (_, request) => fate.async(async () => world.play(request)) };
  const sandbox = ran && mortalSandbox(workspacesOf({ dataDir: dir }), fate, ran);
  const clock = {
    ...systemClock(500),
    now,
    wait: (ms: number, signal?: AbortSignal) => fate.async(() => systemClock(500).wait(ms, signal)),
  };
  const harness = new Harness({
    config: { ...world.config, dataDir: dir },
    store: mortalStore(store, fate),
    chat: mortalChat(server.client("athena-id"), fate),
    models,
    clock: { ...clock, wait: (ms, signal) => (fate.dead ? never : clock.wait(ms, signal)) },
    log: silentLog,
    ...(sandbox && { workshop: new Workshop(async () => ({ sandbox, hosts: [] }), silentLog) }),
  });
  harness.start().catch((error: unknown) => {
    if (!fate.dead) throw error;
  });
  return { harness, fate, store };
}

async function until(done: () => boolean, ms = 60_000): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (!done()) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return true;
}

function idle(life: Life): boolean {
  const { waiting, running, undelivered, caughtUpAt } = life.harness.state();
  return caughtUpAt !== undefined && waiting === 0 && running.length === 0 && undelivered === 0;
}

/** One world with a crash at step `at`, before or after it. Gives whether that step was reached. */
async function scenario(at: number, after: boolean, dedupMs: number): Promise<boolean> {
  const dir = mkdtempSync(join(root, "run-"));
  const server = new FakeChatServer();
  server.dedupMs = dedupMs;
  server.maxPost = 60;
  server.addUser("athena-id", "athena");
  server.addUser("alice-id", "alice");
  server.addChannel("work", ["athena-id", "alice-id"]);
  server.addChannel("direct", ["athena-id", "alice-id"], true);
  const early = server.say(
    "alice-id",
    "work",
    "@athena one, written before the first start, and so long that its answer has two parts",
  );
  const fate = new Fate(at, after);
  const first = live(server, dir, fate);
  await until(() => fate.dead || idle(first));
  const late = [server.say("alice-id", "work", "@athena two"), server.say("alice-id", "direct", "three")];
  await until(() => fate.dead || (late.every((post) => server.thread(post.id).length > 1) && idle(first)));
  const reached = fate.dead;
  // Whatever the first life still holds is gone with it.
  fate.dead = true;
  first.store.close();
  late.push(server.say("alice-id", "work", "@athena four, while nobody listens"));
  const second = live(server, dir, new Fate(-1, false));
  const posts = [early, ...late];
  const answered = await until(
    () => posts.every((post) => server.thread(post.id).some((one) => one.authorId === "athena-id")) && idle(second),
  );
  await second.harness.stop();
  second.store.close();
  const where = `crash ${after ? "after" : "before"} step ${at}, server remembers ${dedupMs} ms`;
  expect(answered, where).toBe(true);
  for (const post of posts) {
    const answers = server.thread(post.id).filter((one) => one.authorId === "athena-id");
    expect(
      answers.map((one) => one.marker?.part),
      `${where}: ${post.text}`,
    ).toEqual(answers.map((_, part) => part));
    const text = answers.map((one) => one.text).join(" ");
    expect(text.match(/answer to/g), `${where}: ${post.text}`).toHaveLength(1);
  }
  return reached;
}

for (const after of [false, true]) {
  // The server of these scenarios recognises no repeated post, as the real one does not after 30 seconds: the marker has to.
  test(`A5 A6 exactly one answer after a crash ${after ? "after" : "before"} every step`, {
    timeout: 600_000,
  }, async () => {
    let steps = 0;
    for (let at = 1; await scenario(at, after, 0); at++) steps = at;
    // Account, channels, pages, inbox, claim, acknowledgement, thread, model, outbox, post, ... of three mentions.
    expect(steps).toBeGreaterThan(35);
  });
}

const nine = Date.parse("2026-11-21T09:00:00Z");
const due = "report@2026-11-21T09:00:00.000Z";

/** Hands work over to a shell, and says whether it was told something meanwhile. */
const worker: Play = ({ messages, tools = [] }) => {
  const last = messages.at(-1)!;
  const heard = messages.some(({ content }) => content.includes("while you work")) ? ", and to what was heard" : "";
  const call = (name: string, input: object) => ({ text: "", calls: [{ id: name, name, input }], ...usage });
  if (tools.some(({ name }) => name === "submit")) {
    // A command that the process died in is not run again unasked: its model has to.
    const ran = messages.some(({ role, content }) => role === "tool" && content.includes("exit code 0"));
    return ran
      ? call("submit", { summary: `done${heard}` })
      : call("bash", { script: "mkdir -p ~/attach; echo 42 > ~/attach/result.txt" });
  }
  const handed = messages.find(({ role }) => role === "tool");
  if (handed === undefined && last.content.includes("please work")) return call("work", { task: "work" });
  const told = handed?.content.includes("what was heard") ? ", and to what was heard" : heard;
  return { text: `answer to ${handed === undefined ? last.content : "work"}${told}`, ...usage };
};

const working = agentConfig({
  chat: { people: [{ id: "alice-id", name: "alice", command: true }], maxAgeHours: 1e6 },
  budget: { run: 1, day: 1 },
  sandbox: {},
  schedules: [{ name: "report", at: "0 9 * * *", channel: "olympus/work", task: "Report." }],
});

/** The same with work in a shell, something said meanwhile, a schedule, and `!retry`. */
async function workingWorld(at: number, after: boolean): Promise<boolean> {
  const dir = mkdtempSync(join(root, "work-"));
  const server = new FakeChatServer();
  Object.assign(server, { dedupMs: 0, now: nine });
  server.addUser("athena-id", "athena");
  server.addUser("alice-id", "alice");
  server.addChannel("work", ["athena-id", "alice-id"]);
  server.nameChannel("olympus/work", "work");
  const before = openStore(dir);
  before.setMeta("schedule:report", String(nine - 3600_000));
  before.close();
  const began = Date.now();
  const asked = server.say("alice-id", "work", "@athena please work");
  const more: { said?: ChatPost } = {};
  const world: World = {
    config: working,
    play: worker,
    now: () => nine + 1000 + Date.now() - began,
    ran: () => {
      more.said ??= server.say("alice-id", "work", "@athena and quickly", { rootId: asked.id });
    },
  };
  const fate = new Fate(at, after);
  const first = live(server, dir, fate, world);
  const by = (source: string) =>
    server.posts.filter(({ marker }) => marker?.source === source && marker.part !== progressPart);
  await until(() => fate.dead || (by(asked.id).length > 0 && by(due).length > 0 && idle(first)));
  const plainly = server.say("alice-id", "work", "@athena two");
  await until(() => fate.dead || (by(plainly.id).length > 0 && idle(first)));
  const retry = server.say("alice-id", "work", "@athena !retry", { rootId: plainly.id });
  await until(() => fate.dead || (by(retry.id).length > 0 && idle(first)));
  const reached = fate.dead;
  fate.dead = true;
  first.store.close();
  const second = live(server, dir, new Fate(-1, false), world);
  const sources = [asked.id, due, plainly.id, retry.id];
  const answered = await until(() => sources.every((source) => by(source).length > 0) && idle(second));
  await second.harness.stop();
  second.store.close();
  const where = `crash ${after ? "after" : "before"} step ${at}`;
  expect(answered, where).toBe(true);
  for (const source of sources) expect(by(source), `${where}: ${source}`).toHaveLength(1);
  expect(by(asked.id)[0]!.files, where).toMatchObject([{ name: "result.txt" }]);
  expect(by(due)[0], where).toMatchObject({ rootId: by(due)[0]!.id });
  const heard = by(asked.id)[0]!.text.includes("what was heard") ? 1 : 0;
  expect(by(more.said!.id).length + heard, `${where}: said meanwhile`).toBe(1);
  return reached;
}

for (const after of [false, true]) {
  test(`A5 A6 work in a shell, words meanwhile, a schedule, !retry: one answer each after a crash ${after ? "after" : "before"} every step`, {
    timeout: 600_000,
  }, async () => {
    // They wait more than they work.
    const beside = 6;
    let steps = 0;
    for (let all = true; all; ) {
      const from = steps + 1;
      const reached = await Promise.all(Array.from({ length: beside }, (_, more) => workingWorld(from + more, after)));
      all = reached.every(Boolean);
      steps += beside;
    }
    expect(steps).toBeGreaterThan(60);
  });
}
