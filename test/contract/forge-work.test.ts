/** From a mention to a pull request: agents on the rehearsal forge, with its git, in a chat in memory. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { linksAfter } from "../../src/harness/audit/audit.ts";
import { untilAnswered } from "../../src/harness/forge/patient.ts";
import { ForgeError } from "../../src/harness/forge-port.ts";
import type { ForgePayload } from "../../src/harness/forge-work.ts";
import { keep } from "../../src/harness/gates/keeper.ts";
import { assign } from "../../src/harness/review/assign.ts";
import { readAssigned } from "../../src/harness/review/states.ts";
import { changesOf, keptOf } from "../../src/harness/store/look.ts";
import { branchOf, claim } from "../../src/harness/tasks/claim.ts";
import { markOf, originMark } from "../../src/harness/tasks/marks.ts";
import { tokenHash } from "../../src/rehearsal/forge/setup.ts";
import { type TriedForge, tryForge, world } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent, teamKey } from "../support/forge-agents.ts";
import { agentNames, playedTeam } from "../support/played-agent.ts";

let tried: TriedForge;
const agents: ForgeAgent[] = [];

beforeEach(async () => {
  tried = await tryForge({ limits: { contentMinute: 100_000, hour: 1_000_000 } });
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
});

const both = ["athena", "apollo"];
const zeus = () => tried.as("token-of-zeus");
const repo = { owner: "zeus", repo: "app" };
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 300_000, interval: 200 });

/** Opens an issue when a person asks, says its address afterwards. */
const asksForIssue: ForgePlay = ({ messages, tools }) => {
  // The same agent reviews what comes of it.
  if (tools?.some(({ name }) => name === "finish_review"))
    return { name: "finish_review", input: { verdict: "pass", summary: "Nothing against it.", findings: [] } };
  const last = messages.at(-1)!;
  if (last.role === "tool") return `I opened it: ${/https?:\S+/.exec(last.content)?.[0]}`;
  return {
    name: "create_issue",
    input: { title: "Say hello in the README", body: "It should end with hello.", priority: "P1" },
  };
};

/** Changes the README, then submits. */
const changes: ForgePlay = ({ messages, tools }) => {
  if (!tools?.some(({ name }) => name === "bash")) return "ok";
  const ran = messages.filter(({ role }) => role === "tool").length;
  return ran === 0
    ? { name: "bash", input: { script: "echo hello >> README.md && cat README.md" } }
    : { name: "submit", input: { summary: "The README says hello now." } };
};

const onlyReviews = { repositories: [{ name: app, work: false }] };

test("C21 a mention becomes an issue, the issue a pull request, which is reviewed and, once a person approves, merged: all told in one thread", async () => {
  const chat = playedTeam();
  const athena = await forgeAgent("athena", tried.forge.api, both, chat, asksForIssue, {
    change: onlyReviews,
    policy: {},
  });
  const apollo = await forgeAgent("apollo", tried.forge.api, both, chat, changes, { policy: {} });
  agents.push(athena, apollo);
  await athena.start();
  await apollo.start();
  const asked = chat.say("alice-id", "work", "@athena please open an issue: the README should say hello");
  const said = (id: string) =>
    chat
      .thread(asked.id)
      .flatMap(({ authorId, text, marker }) => (authorId === id && (marker?.part ?? 0) >= 0 ? [text] : []));
  await soon(() => said("athena-id").join()).toContain("I opened it: ");
  await soon(() => said("apollo-id").filter((text) => text.includes("is open for #1"))).toHaveLength(1);

  const issue = (await zeus().issues.get({ ...repo, issue_number: 1 })).data;
  expect(issue).toMatchObject({ title: "Say hello in the README", user: { login: "athena" } });
  expect(issue.labels.map((label) => (typeof label === "string" ? label : label.name)).sort()).toEqual([
    "P1",
    "olympus",
  ]);
  const pulls = (await zeus().pulls.list({ ...repo, state: "all" })).data;
  expect(pulls).toMatchObject([
    {
      title: "Say hello in the README (#1)",
      draft: false,
      user: { login: "apollo" },
      head: { ref: "olympus/issue-1" },
      base: { ref: "main" },
    },
  ]);
  const body = pulls[0]!.body ?? "";
  expect(body).toMatch(
    /Closes #1[\s\S]*The README says hello now[\s\S]*passed: `test -s README.md` \(exit code 0[\s\S]*By apollo/,
  );
  const origin = { repo: app, login: "apollo" };
  expect(markOf(teamKey, originMark, origin, body)).toMatchObject({ chain: asked.id, rootId: asked.id, hops: 2 });
  const { data: commits } = await zeus().pulls.listCommits({ ...repo, pull_number: pulls[0]!.number });
  expect(commits).toHaveLength(1);
  expect(commits[0]!.commit).toMatchObject({ author: { name: "apollo", email: "apollo@olympus.example" } });
  expect(commits[0]!.commit.message).toContain("Signed-off-by: apollo <apollo@olympus.example>");
  const { data: comments } = await zeus().issues.listComments({ ...repo, issue_number: 1 });
  expect(comments.map(({ user }) => user?.login)).toEqual(["apollo"]);
  // Its own comment and its own pull request began no other work.
  const work = apollo.store.all("SELECT kind, outcome FROM runs WHERE kind IN ('issue', 'rework', 'mention')");
  expect(work).toEqual([{ kind: "issue", outcome: "done: pull request #2" }]);
  // What it handed over stays to be looked at.
  const [{ id }] = apollo.store.all<{ id: string }>("SELECT id FROM runs WHERE kind = 'issue'") as [{ id: string }];
  expect(changesOf(apollo.store, id)).toEqual([
    { repo: app, head: pulls[0]!.head.sha, diff: expect.stringMatching(/^\+hello$/m) },
  ]);
  expect(keptOf(apollo.store, id).messages).toBeGreaterThan(2);

  await zeus().pulls.createReview({ ...repo, pull_number: 2, event: "APPROVE", commit_id: pulls[0]!.head.sha });
  await soon(async () => (await zeus().pulls.get({ ...repo, pull_number: 2 })).data.merged).toBe(true);
  await soon(async () => (await zeus().issues.get({ ...repo, issue_number: 1 })).data.state).toBe("closed");
  await soon(() => said("apollo-id").filter((text) => /merged/i.test(text))).toHaveLength(1);
  // Each act is written down, as its run's.
  const acts = (agent: ForgeAgent) =>
    linksAfter(agent.store, 0, 1000)
      .map(({ entry }) => JSON.parse(entry) as { kind: string; what: string; subject?: string; run?: string })
      .filter(({ kind, what }) => kind === "act" && what !== "post");
  const { sha } = pulls[0]!.head;
  expect(acts(athena).map(({ what, subject }) => `${what} ${subject}`)).toEqual([
    `open an issue ${app}#1`,
    `set a status ${app}@${sha}`,
    `review ${app}#2`,
  ]);
  expect(acts(apollo).map(({ what, subject }) => `${what} ${subject}`)).toEqual([
    `comment ${app}#1`,
    `claim ${app}#1`,
    `push ${app}#1`,
    `open a pull request ${app}#2`,
    `merge ${app}#2@${sha}`,
  ]);
  const kindsOf = ({ store }: ForgeAgent, run = "") => store.get("SELECT kind FROM runs WHERE id = ?", run);
  expect(acts(athena).map(({ run }) => kindsOf(athena, run))).toMatchObject([
    { kind: "mention" },
    { kind: "review" },
    { kind: "review" },
  ]);
  expect(tried.wrong).toEqual([]);
}, 900_000);

test("B4 8 agents race for 50 issues, some of their requests' answers are lost: each is claimed once, none is lost, a colleague reviews", async () => {
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
  const names = [...agentNames];
  const users = [
    ...world.users,
    ...names.filter((name) => !["athena", "apollo", "zeus"].includes(name)).map((login) => ({ login })),
  ];
  const contents = { contents: "write", issues: "write", pull_requests: "write", statuses: "write" } as const;
  tried = await tryForge({
    limits: { contentMinute: 100_000, hour: 1_000_000 },
    world: {
      ...world,
      users,
      tokens: [
        ...world.tokens!,
        ...users.slice(world.users.length).map(({ login }) => ({
          sha256: tokenHash(`token-of-${login}`),
          user: login,
          permissions: contents,
        })),
      ],
      repositories: world.repositories!.map((one) => ({
        ...one,
        collaborators: Object.fromEntries(
          names.filter((name) => name !== "zeus").map((name) => [name, "push" as const]),
        ),
      })),
    },
  });
  const count = 50;
  for (let n = 0; n < count; n++) await zeus().issues.create({ ...repo, title: `issue ${n}`, labels: ["olympus"] });
  const chat = playedTeam();
  // A number of its own for each request: the same run loses the same answers.
  let requests = 0;
  for (const name of names)
    agents.push(
      await forgeAgent(name, tried.forge.api, names, chat, () => "", {
        policy: {},
        wrap: (forge) =>
          new Proxy(forge, {
            get(target, field, receiver) {
              const value: unknown = Reflect.get(target, field, receiver);
              if (field !== "createBranch" || typeof value !== "function") return value;
              return async (...args: unknown[]) => {
                const made: unknown = await value.apply(target, args);
                if (++requests % 7 === 0) throw new ForgeError("retry", "the connection was lost");
                return made;
              };
            },
          }),
      }),
    );
  const base = (await zeus().git.getRef({ ...repo, ref: "heads/main" })).data.object.sha;
  const won = new Map<number, string[]>();
  await Promise.all(
    agents.map(async ({ parts }, index) => {
      for (let step = 0; step < count; step++) {
        const number = 1 + ((step + index * 3) % count);
        const payload = { repo: app, number, channelId: "", rootId: "", hops: 0 } as ForgePayload;
        const work = await claim(
          parts,
          `run-${index}-${number}`,
          payload,
          { chain: "c", base },
          new AbortController().signal,
        );
        if (work !== undefined) won.set(number, [...(won.get(number) ?? []), parts.config.agent]);
      }
    }),
  );
  expect([...won.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  expect([...won.values()].filter((winners) => winners.length !== 1)).toEqual([]);
  const refs = (await zeus().paginate(zeus().git.listMatchingRefs, { ...repo, ref: "heads/olympus/" })).map(
    ({ ref }) => ref,
  );
  expect(refs.sort()).toEqual(Array.from({ length: count }, (_, n) => `refs/heads/olympus/issue-${n + 1}`).sort());

  // A colleague looks at each: so says the rule for all of them, and the forge for the first of each agent.
  const byName = new Map(agents.map((agent) => [agent.parts.config.agent, agent.parts]));
  const reviewerOf = (pull: number, author: string, loads = new Map<string, number>()) => {
    const team = names.map((name) => ({ name, login: name, lenses: [], load: loads.get(name) ?? 0 }));
    return assign(["security"], team, author, `${app}#${pull}`).get("security");
  };
  const counts = new Map<string, number>();
  for (const [number, [author]] of won) {
    const { login } = reviewerOf(count + number, author!)!;
    expect(login).not.toBe(author);
    counts.set(login, (counts.get(login) ?? 0) + 1);
  }
  expect(Math.max(...counts.values())).toBeLessThan(count / 2);
  const never = new AbortController().signal;
  const asked = new Map<string, number>();
  for (const [author, number] of new Map([...won].map(([issue, [author]]) => [author!, issue]))) {
    const branch = branchOf(number);
    const file = { path: `file-${number}`, content: "eA==", message: "Work" };
    await tried.as(`token-of-${author}`).repos.createOrUpdateFileContents({ ...repo, ...file, branch });
    const parts = byName.get(author)!;
    const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, never, question);
    const text = { title: `Work (#${number})`, body: `Closes #${number}` };
    const opened = await ask(() => parts.forge.openPull(app, { ...text, head: branch, base: "main", draft: false }));
    await ask(() => keep({ ...parts, policy: parts.config.policy! }, `gate-${number}`, app, opened.number));
    const pull = await ask(() => parts.forge.pull(app, opened.number));
    const reviewer = reviewerOf(pull.number, author, asked)!.login;
    asked.set(reviewer, (asked.get(reviewer) ?? 0) + 1);
    expect(pull).toMatchObject({ author: { login: author }, head: { branch }, requestedReviewers: [reviewer] });
    const statuses = await ask(() => parts.forge.statuses(app, pull.head.sha));
    expect(statuses.map(({ description }) => readAssigned(description))).toEqual([reviewer]);
  }
}, 1_800_000);
