/** What becomes of work whose issue or repository is not, or no longer, as usual: on the rehearsal forge. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FakeChatServer } from "../../src/harness/chat/fake.ts";
import type { Forge } from "../../src/harness/forge-port.ts";
import { type TriedForge, tryForge, world } from "../support/forge.ts";
import { type ForgeAgent, type ForgePlay, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

let tried: TriedForge;
let apollo: ForgeAgent;
/** Whether git reaches the forge. */
let reachable = true;
const [app] = world.repositories!;
const { collaborators } = app!;

const options = {
  limits: { contentMinute: 100_000, hour: 1_000_000 },
  world: {
    ...world,
    repositories: [
      { ...app!, branch: "trunk" },
      { owner: "zeus", name: "empty", collaborators },
      { owner: "zeus", name: "huge", files: { "README.md": "# huge\n" }, collaborators },
    ],
  },
};

beforeEach(async () => {
  tried = await tryForge(options);
});

afterEach(async () => {
  await apollo.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
  // What was asked and answered fits GitHub\'s description.
  expect(tried.wrong).toEqual([]);
});

const zeus = () => tried.as("token-of-zeus");
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 120_000, interval: 200 });

/** Its process is killed so often between the push and the pull request. */
let kills = 0;

/** Whose account the token is of, in place of the agent's. */
let owner: string | undefined;

async function start(play: ForgePlay, chat = playedTeam(), checks: string[] = []): Promise<void> {
  apollo = await forgeAgent("apollo", tried.forge.api, ["athena", "apollo"], chat, play, {
    change: { repositories: ["app", "empty", "huge"].map((name) => ({ name: `zeus/${name}`, checks })) },
    // As GitHub would estimate it.
    wrap: (forge) =>
      new Proxy(forge, {
        get(target, field, receiver) {
          const value: unknown = Reflect.get(target, field, receiver);
          if (field === "account" && owner !== undefined)
            return async () => ({ ...(await target.account()), login: owner });
          if (field === "openPull" && kills > 0)
            return async () => {
              kills--;
              throw new Error("killed");
            };
          if (field !== "repo") return typeof value === "function" ? value.bind(target) : value;
          return async (name: string) => ({
            ...(await target.repo(name)),
            ...(name.includes("huge") && { size: 1024 }),
            ...(!reachable && { cloneUrl: "http://127.0.0.1:1/none.git" }),
          });
        },
      }),
  });
  await apollo.start();
}

const wish = async (name: string) =>
  (await zeus().issues.create({ owner: "zeus", repo: name, title: "say hello", labels: ["olympus"] })).data.number;
const pulls = async (name: string) => (await zeus().pulls.list({ owner: "zeus", repo: name, state: "all" })).data;

const changes: ForgePlay = ({ messages }) =>
  messages.some(({ role }) => role === "tool")
    ? { name: "submit", input: { summary: "Done." } }
    : { name: "bash", input: { script: "echo hello >> README.md" } };

test("C15 the issue is closed, or given to another, while the model works: it stops there, the claim goes, nothing is pushed", async () => {
  let busy = 0;
  // Never submits by itself; each command is another one.
  await start(() => ({ name: "bash", input: { script: `echo ${++busy} >> README.md; sleep 0.2` } }));
  const repo = { owner: "zeus", repo: "app" };
  const acts = [
    {
      why: "it was closed",
      act: (issue_number: number) => zeus().issues.update({ ...repo, issue_number, state: "closed" }),
    },
    {
      why: "it was given to somebody else",
      act: (issue_number: number) => zeus().issues.addAssignees({ ...repo, issue_number, assignees: ["athena"] }),
    },
  ] as const;
  for (const [index, { why, act }] of acts.entries()) {
    const number = await wish("app");
    const before = busy;
    await soon(() => busy).toBeGreaterThan(before);
    await act(number);
    await soon(() => apollo.ended("issue").at(-1)).toEqual({
      lane: `github:zeus/app#${number}`,
      outcome: `done: ${why}`,
    });
    expect(apollo.ended("issue")).toHaveLength(index + 1);
    const { data: refs } = await zeus().git.listMatchingRefs({ ...repo, ref: "heads/olympus/" });
    expect(refs).toEqual([]);
    const audited = apollo.audited();
    expect(audited).toEqual(
      expect.arrayContaining([`harness claim zeus/app#${number}`, `harness release zeus/app#${number}`]),
    );
    expect(audited.filter((one) => one.startsWith("harness push"))).toEqual([]);
  }
  expect(await pulls("app")).toEqual([]);
}, 900_000);

test("C15 stopped, or without git for long: a person is called, nobody goes on unasked, and asked again it is done", async () => {
  let stays = true;
  let busy = 0;
  await start((request) =>
    stays ? { name: "bash", input: { script: `echo ${++busy}; sleep 0.2` } } : changes(request),
  );
  const repo = { owner: "zeus", repo: "app" };
  const issue_number = await wish("app");
  const labels = async () =>
    (await zeus().issues.get({ ...repo, issue_number })).data.labels.map((one) =>
      typeof one === "string" ? one : one.name,
    );
  const refs = async () => (await zeus().git.listMatchingRefs({ ...repo, ref: "heads/olympus/" })).data.length;
  const again = async () => {
    await zeus().issues.removeLabel({ ...repo, issue_number, name: "olympus" });
    await zeus().issues.addLabels({ ...repo, issue_number, labels: ["olympus"] });
  };
  const told = async () =>
    (await zeus().issues.listComments({ ...repo, issue_number })).data.map(({ body = "" }) => body).join("\n");
  await soon(() => busy).toBeGreaterThan(0);
  expect(await apollo.harness.halt({}, Date.now(), "stopped by alice")).toBe(1);
  await soon(labels).toContain("needs-human");
  await soon(refs).toBe(0);
  expect(await told()).toContain("by myself (stopped by alice)");
  stays = false;
  reachable = false;
  try {
    await again();
    await soon(() => apollo.ended("issue").at(-1)?.outcome).toMatch(/^failed: git fetch/);
    await soon(refs).toBe(0);
    expect(await told()).toContain("by myself (failed: git fetch");
    await soon(labels).toContain("needs-human");
  } finally {
    reachable = true;
  }
  expect(apollo.ended("issue")).toHaveLength(2);
  await again();
  await soon(async () => (await pulls("app")).map(({ head }) => head.ref)).toEqual([`olympus/issue-${issue_number}`]);
  expect(await labels()).toEqual(["olympus"]);
}, 900_000);

test("the base moves while the model works: what goes together stands on the newest one, else the pull request says it, also after a kill and in a further round", async () => {
  let busy = 0;
  let held = true;
  // Lines are added to the end of the file where the base has others added meanwhile, or to another one.
  const script = ({ messages }: Parameters<ForgePlay>[0]) =>
    `mkdir -p new; date +%N >> ${messages[0]!.content.includes("same place") ? "README.md" : "new/file"}`;
  await start((request) => {
    busy++;
    if (held) return { name: "bash", input: { script: `echo ${busy}; sleep 0.2` } };
    return request.messages.at(-1)!.content.includes("changed-it")
      ? { name: "submit", input: { summary: "Done." } }
      : { name: "bash", input: { script: `${script(request)}; echo changed-it` } };
  });
  const repo = { owner: "zeus", repo: "app" };
  const file = { ...repo, path: "README.md", branch: "trunk", message: "Meanwhile" };
  let lines = "# app\n\none\ntwo\nthree\n";
  const move = async (): Promise<string> => {
    const { data } = await zeus().repos.getContent({ ...repo, path: file.path, ref: "trunk" });
    lines += `${Math.random()}\n`;
    const content = Buffer.from(lines).toString("base64");
    const made = await zeus().repos.createOrUpdateFileContents({
      ...file,
      content,
      sha: (data as { sha: string }).sha,
    });
    return made.data.commit.sha!;
  };
  /** The pull request of an issue during whose work the base moved, and where to. */
  const meanwhile = async (title: string) => {
    const before = busy;
    held = true;
    const number = (await zeus().issues.create({ ...repo, title, labels: ["olympus"] })).data.number;
    await soon(() => busy).toBeGreaterThan(before);
    const base = await move();
    held = false;
    const of = async () => (await pulls("app")).find(({ head }) => head.ref === `olympus/issue-${number}`);
    await soon(async () => (await of())?.number).toBeDefined();
    await soon(() => apollo.ended("issue").at(-1)?.lane).toBe(`github:zeus/app#${number}`);
    return { base, pull: (await of())! };
  };
  const parents = async (pull_number: number) =>
    (await zeus().pulls.listCommits({ ...repo, pull_number })).data.map((one) => one.parents.map(({ sha }) => sha));

  const clean = await meanwhile("elsewhere");
  expect(await parents(clean.pull.number)).toEqual([[clean.base]]);
  expect(clean.pull.body).not.toContain("The base moved");
  const { data: files } = await zeus().pulls.listFiles({ ...repo, pull_number: clean.pull.number });
  expect(files.map(({ filename }) => filename)).toEqual(["new/file"]);

  const old = clean.base;
  const conflicting = await meanwhile("in the same place");
  const says = (base: string, on: string) =>
    `## The base moved\n\n\`trunk\` is now at ${base.slice(0, 12)}, and it does not go together with this by itself: this stands on ${on.slice(0, 12)}.`;
  expect(await parents(conflicting.pull.number)).toEqual([[old]]);
  expect(conflicting.pull.body).toContain(says(conflicting.base, old));

  kills = 1;
  const killed = await meanwhile("in the same place, killed");
  expect(kills).toBe(0);
  expect(killed.pull.body).toContain(says(killed.base, conflicting.base));

  await tried.as("token-of-athena").pulls.createReview({
    ...repo,
    pull_number: clean.pull.number,
    event: "REQUEST_CHANGES",
    body: "not yet",
  });
  await soon(() => apollo.ended("rework")).toHaveLength(1);
  const said = await zeus().issues.listComments({ ...repo, issue_number: clean.pull.number });
  expect(said.data.map(({ body }) => body)).toEqual([
    expect.stringMatching(
      `^Round 1 of 3. Pushed [0-9a-f]{12}. \`trunk\` is now at ${killed.base.slice(0, 12)}, since this began: this stands on ${clean.base.slice(0, 12)}.\n`,
    ),
  ]);
}, 900_000);

test("C16 another default branch and a renamed repository are worked on; an empty one and one too large are refused with the reason", async () => {
  await start(changes);
  await wish("app");
  await soon(async () => (await pulls("app")).map(({ base }) => base.ref)).toEqual(["trunk"]);
  await zeus().repos.update({ owner: "zeus", repo: "app", name: "renamed" });
  const number = await wish("renamed");
  await soon(async () => (await pulls("renamed")).map(({ head }) => head.ref).sort()).toEqual(
    ["olympus/issue-1", `olympus/issue-${number}`].sort(),
  );
  for (const [name, why] of [
    ["empty", /the repository is empty/],
    ["huge", /1024 MiB, and I have room for 16/],
  ] as const) {
    const issue_number = await wish(name);
    const said = async () => (await zeus().issues.listComments({ owner: "zeus", repo: name, issue_number })).data;
    await soon(async () => (await said()).map(({ body }) => body).join()).toMatch(why);
    expect(await said()).toHaveLength(1);
    await soon(
      () => apollo.ended("issue").find(({ lane }) => lane === `github:zeus/${name}#${issue_number}`)?.outcome,
    ).toMatch(/^not possible: /);
  }
}, 900_000);

/** How it says that it is, in the chat. */
const statusIn = (chat: FakeChatServer) => async (): Promise<string> => {
  const { id } = chat.say("alice-id", "work", "@apollo !status");
  await soon(() => chat.thread(id).length).toBe(2);
  return chat.thread(id)[1]!.text;
};

test("with another account's token it does nothing there, and says whose it is", async () => {
  const chat = playedTeam();
  owner = "athena";
  const number = await wish("app");
  try {
    await start(changes, chat);
    await soon(statusIn(chat)).toContain("forge: the token belongs to athena, not to apollo");
    expect([
      apollo.ended("issue"),
      (await zeus().issues.listComments({ owner: "zeus", repo: "app", issue_number: number })).data,
    ]).toEqual([[], []]);
  } finally {
    owner = undefined;
  }
}, 120_000);

test("G6 begun without the forge it answers in the chat and says what is away; what waits there is done once, when it comes", async () => {
  const number = await wish("app");
  const { port } = new URL(tried.forge.api);
  await tried.forge.close();
  const chat = playedTeam();
  await start(changes, chat);
  await soon(statusIn(chat)).toMatch(/forge: .*(ECONNREFUSED|fetch failed)/);
  tried = await tryForge({ ...options, dir: tried.dir, port: Number(port) });
  await soon(() => apollo.ended("issue").map(({ lane }) => lane)).toEqual([`github:zeus/app#${number}`]);
  expect(await pulls("app")).toHaveLength(1);
  await soon(statusIn(chat)).not.toContain("forge:");
}, 300_000);

test.each([
  ["killed while it is put onto the first", "put"],
  ["killed before that is noted for the push", "note"],
  ["killed before that is pushed", "push"],
  ["killed before the push is noted", "pushed"],
  ["not killed, but a check fails on the first", undefined],
] as const)(
  "the base moves twice; %s: handed over once, on the newest it can be, whatever its model says then",
  async (_what, point) => {
    let busy = 0;
    let held = true;
    // Not killed, it comes to the second base by a check that fails on the first.
    const whole = point === undefined;
    const change = { name: "bash", input: { script: "mkdir -p new; date +%N >> new/file; echo changed-it" } };
    await start(
      ({ messages }) => {
        busy++;
        if (held) return { name: "bash", input: { script: `echo ${busy}; sleep 0.2` } };
        if (messages.at(-1)!.content.includes("checks of the repository fail")) {
          again = move("later");
          return change;
        }
        const done = messages.some(({ content }) => content.includes("changed-it"));
        return done ? { name: "submit", input: { summary: `Done, answer ${busy}.` } } : change;
      },
      undefined,
      whole ? ['test "$(wc -l < new/file)" = 2'] : [],
    );
    const repo = { owner: "zeus", repo: "app" };
    // The same file each time: what stands on the first base must not be taken for a change of its own.
    const move = async (content: string) => {
      const file = { ...repo, path: "meanwhile", branch: "trunk", content: Buffer.from(content).toString("base64") };
      const there = await zeus()
        .repos.getContent({ ...repo, path: file.path })
        .then(({ data }) => ({ sha: (data as { sha: string }).sha }))
        .catch(() => ({}));
      return (await zeus().repos.createOrUpdateFileContents({ ...file, ...there, message: "Meanwhile" })).data.commit
        .sha!;
    };
    let killed = 0;
    let again: Promise<string> | undefined;
    const { store } = apollo;
    const forge = apollo.parts.forge as { -readonly [key in keyof Forge]: Forge[key] };
    const branch = forge.branch.bind(forge);
    forge.branch = async (...which) => {
      await again;
      return branch(...which);
    };
    const [setMeta, run] = [store.setMeta.bind(store), store.run.bind(store)];
    const kill = () => {
      killed++;
      again = move("later");
      throw new Error("killed");
    };
    store.setMeta = (key, value) => {
      const its = (kind: string) => key.startsWith(kind) && killed === 0;
      if (its("pushed:") && point === "note") kill();
      setMeta(key, value);
      if (its("stand:") && point === "put") kill();
      if (its("pushed:") && point === "push") kill();
    };
    store.run = (sql, ...values) => {
      if (killed === 0 && point === "pushed" && sql.startsWith("UPDATE work SET state = ?, head = ?")) kill();
      return run(sql, ...values);
    };
    const issue = await wish("app");
    await soon(() => busy).toBeGreaterThan(0);
    const first = await move("meanwhile");
    held = false;
    await soon(async () => (await pulls("app")).length).toBe(1);
    expect(killed).toBe(whole ? 0 : 1);
    await soon(() => apollo.ended("issue")).toHaveLength(1);
    const [pull] = await pulls("app");
    expect(pull).toMatchObject({ draft: false, head: { ref: `olympus/issue-${issue}` } });
    const { data: commits } = await zeus().pulls.listCommits({ ...repo, pull_number: pull!.number });
    const base = point === "pushed" ? first : await again;
    expect(commits.map(({ parents }) => parents.map(({ sha }) => sha))).toEqual([[base]]);
    const { data: files } = await zeus().pulls.listFiles({ ...repo, pull_number: pull!.number });
    expect(files.map(({ filename, additions }) => [filename, additions])).toEqual([["new/file", whole ? 2 : 1]]);
    expect(apollo.audited().filter((one) => one.startsWith("harness push"))).toHaveLength(1);
  },
  300_000,
);
