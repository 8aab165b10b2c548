/** From a mention to a merge while agents are killed, webhooks are away and the forge's limits are reached; OLYMPUS_SEED repeats a run. */
import { afterAll, expect, test } from "vitest";
import { seeded } from "../../src/bench/storm-plan.ts";
import { linksAfter } from "../../src/harness/audit/audit.ts";
import { Verifier } from "../../src/harness/audit/chain.ts";
import { openStore } from "../../src/harness/store/open.ts";
import type { Exchange } from "../../src/rehearsal/forge/api.ts";
import { type Flow, type FlowAgentName, flowAgents, flowRepo, openFlow } from "../support/flow.ts";

const seed = Number(process.env.OLYMPUS_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Waits are so much shorter: webhooks are away for 15 minutes, 15 s here. */
const scale = 60;
const outageMs = (15 * 60_000) / scale;
/** Kills of each agent. */
const kills = 2;

const base = "/repos/{owner}/{repo}";
const made = (method: string, path: string) => (exchange: Exchange) =>
  exchange.method === method && exchange.route === `${base}${path}` && exchange.status < 300;
const status = (state: string) => (exchange: Exchange) =>
  made("POST", "/statuses/{sha}")(exchange) && (exchange.request as { state?: string }).state === state;

/** Steps at which an agent is killed: before the forge's answer reaches it, or while it waits for a model. */
const steps: Record<FlowAgentName, Record<string, ((exchange: Exchange) => boolean) | RegExp>> = {
  athena: {
    "asked to open an issue": /please open an issue/,
    "the issue is open": made("POST", "/issues"),
    "saying so": /^opened /,
    "the review began": /^Review \S+ through/,
    "the review is there": made("POST", "/pulls/{pull_number}/reviews"),
    "the lens passed": status("success"),
  },
  apollo: {
    "the branch is made": made("POST", "/git/refs"),
    "the claim is told": made("POST", "/issues/{issue_number}/comments"),
    "work began": /^Issue #\d+ of the repository/,
    "work is done": /^\[exit code 0/,
    "the pull request is open": made("POST", "/pulls"),
    "a lens is given": status("pending"),
    "a review is asked for": made("POST", "/pulls/{pull_number}/requested_reviewers"),
    merged: made("PUT", "/pulls/{pull_number}/merge"),
  },
};

/** What of these the log calls an act that was begun. */
const begun: Readonly<Record<string, string>> = {
  "the issue is open": "open an issue",
  "the review is there": "review",
  "the lens passed": "set a status",
  "the branch is made": "make a branch",
  "the claim is told": "comment",
  "the pull request is open": "open a pull request",
  "a lens is given": "set a status",
  "a review is asked for": "ask for reviews",
  merged: "merge",
};

let flow: Flow | undefined;
afterAll(() => flow?.end());

test("a mention becomes an issue, a pull request, a review, an approval and a merge, each told once in its thread, whatever breaks in between", async ({
  onTestFailed,
}) => {
  const random = seeded(seed);
  const draw = (names: readonly string[], count: number): Set<string> => {
    const left = [...names];
    return new Set(Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]!));
  };
  const plan = { athena: draw(Object.keys(steps.athena), kills), apollo: draw(Object.keys(steps.apollo), kills) };
  const all = [...Object.keys(steps.athena), ...Object.keys(steps.apollo)];
  const [barred] = draw(all, 1);
  const told = flowAgents.map((agent) => `${agent}: ${[...plan[agent]].join(", ")}`).join("; ");
  process.stderr.write(`forge-flow: seed ${seed}, scale ${scale}; killed at ${told}; limits at "${barred}"\n`);

  const seen = new Set<string>();
  const killed: string[] = [];
  const coming: Promise<void>[] = [];
  const reach = (agent: FlowAgentName, step: string): void => {
    if (seen.has(step)) return;
    seen.add(step);
    if (step === barred) flow?.forge.bar(3);
    if (!plan[agent].has(step)) return;
    killed.push(step);
    flow!.agents[agent].kill();
    coming.push(flow!.agents[agent].start());
  };
  const look = (matches: (when: ((exchange: Exchange) => boolean) | RegExp) => boolean): void => {
    for (const agent of flowAgents)
      for (const [step, when] of Object.entries(steps[agent])) if (matches(when)) reach(agent, step);
  };
  flow = await openFlow((exchange) => look((when) => typeof when === "function" && when(exchange)), {
    scale,
    every: scale,
    // Time to be killed in.
    thinks: 0.2,
  });
  const { team, model, hooks, as, said } = flow;
  onTestFailed(() => {
    for (const agent of flowAgents) process.stderr.write(`${agent}:\n${flow!.agents[agent].log().slice(-6000)}\n`);
    process.stderr.write(`killed: ${killed.join(", ")}; seen: ${[...seen].join(", ")}\n`);
  });
  let calls = 0;
  const watch = setInterval(() => {
    for (; calls < model.calls.length; calls++) {
      const asked = model.calls[calls]!.messages.at(-1)?.content ?? "";
      look((when) => when instanceof RegExp && when.test(asked));
    }
  }, 10);

  const post = await team.say(team.people.alice, team.channels.work!, "@athena please open an issue: say hello");
  // Away from the first moment on, and back when its time is over.
  for (const hook of hooks) hook.set("refuse");
  setTimeout(() => {
    for (const hook of hooks) hook.set("none");
  }, outageMs).unref();
  const by = async (author: string, text: RegExp) =>
    (await said(post.id)).filter((one) => one.author === author && text.test(one.text)).length;
  const soon = (read: () => Promise<unknown>) =>
    expect.poll(read, { timeout: 300_000, interval: 250, message: `OLYMPUS_SEED=${seed}` });
  await soon(() => by("apollo", /waits for an approval/)).toBe(1);
  const { data: open } = await as("alice").pulls.list({ ...flowRepo, state: "open" });
  expect(open).toHaveLength(1);
  const { number: pull_number, head } = open[0]!;
  await as("alice").pulls.createReview({ ...flowRepo, pull_number, event: "APPROVE", commit_id: head.sha });
  await soon(() => by("apollo", /^Merged /)).toBe(1);
  await Promise.all(coming);
  clearInterval(watch);

  // Whoever was killed at its last step has nothing more to say: what would be said twice has been by when it answers anew.
  const again = await team.say(team.people.alice, team.channels.work!, "@apollo !status");
  await team.answers(again.id, team.bots.apollo!, 1, 300);
  const words = (await said(post.id)).slice(1).map(({ author, text }) => `${author}: ${text.slice(0, 160)}`);
  const expected = [
    /^athena: I opened it: http/,
    /^apollo: \[alice\/app#2\]\S+ is open for #1/,
    /^athena: security review of .*/,
    /^apollo: @alice: \[#2\]/,
    /^apollo: Merged \[#2\]/,
  ];
  // A killed agent tells of its step later than others of the next ones.
  expect(words, `OLYMPUS_SEED=${seed}`).toHaveLength(expected.length);
  const times = expected.map((one) => words.filter((said) => one.test(said)).length);
  expect(times, `OLYMPUS_SEED=${seed}, said: ${words.join("; ")}`).toEqual(expected.map(() => 1));
  expect(killed.sort(), `OLYMPUS_SEED=${seed}`).toEqual([...plan.athena, ...plan.apollo].sort());

  const { data: issues } = await as("alice").issues.listForRepo({ ...flowRepo, state: "all" });
  expect(issues.map(({ number, state }) => [number, state])).toEqual([
    [2, "closed"],
    [1, "closed"],
  ]);
  const { data: reviews } = await as("alice").pulls.listReviews({ ...flowRepo, pull_number });
  expect(reviews.map(({ user }) => user?.login).sort()).toEqual(["alice", "athena"]);
  const { data: commits } = await as("alice").repos.listCommits(flowRepo);
  expect(commits).toHaveLength(2);
  const { data: files } = await as("alice").pulls.listFiles({ ...flowRepo, pull_number });
  expect(files).toHaveLength(1);

  // Each act once in the logs, which are whole.
  for (const agent of flowAgents) flow.agents[agent].kill();
  const acts = flowAgents.flatMap((agent) => {
    const store = openStore(flow!.agents[agent].dataDir);
    const links = linksAfter(store, 0, 100_000);
    store.close();
    const verifier = new Verifier([]);
    for (const link of links) verifier.add(link);
    expect(verifier.breaks).toEqual([]);
    return links.flatMap(({ entry }) => {
      const { kind, what } = JSON.parse(entry) as { kind: string; what: string };
      return kind === "act" && what !== "post" ? [what] : [];
    });
  });
  const once = ["claim", "open a pull request", "open an issue", "push"];
  expect(acts.filter((act) => once.includes(act)).sort()).toEqual(once);
  const others = ["comment", "edit a comment", "merge", "review", "set a status"];
  const doubts = acts.filter((act) => act.startsWith("begin to "));
  expect(acts.filter((act) => ![...once, ...others, ...doubts].includes(act))).toEqual([]);
  // What the forge took of a process that was killed before it knew is there too.
  const unknown = killed.flatMap((step) => (begun[step] === undefined ? [] : [`begin to ${begun[step]}`]));
  expect(doubts, `OLYMPUS_SEED=${seed}, killed at ${killed.join(", ")}`).toEqual(expect.arrayContaining(unknown));
}, 900_000);
