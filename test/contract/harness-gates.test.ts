/** From lenses to a merge, on the rehearsal forge: what opens a gate, what closes it, and what never does. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { protectionOf } from "../../src/doctor/protection.ts";
import type { Forge } from "../../src/harness/forge-port.ts";
import { gateOf, liveGates } from "../../src/harness/gates/book.ts";
import { answerGate } from "../../src/harness/gates/chat.ts";
import { keep } from "../../src/harness/gates/keeper.ts";
import { knownPerson } from "../../src/harness/gates/people.ts";
import { gateWord } from "../../src/harness/gates/words.ts";
import type { PostPayload } from "../../src/harness/intake.ts";
import { policySchema } from "../../src/harness/policy/schema.ts";
import { beginWork, changeWork, notePush } from "../../src/harness/tasks/table.ts";
import { type GateStage, gateStage, repo, where } from "../support/gate-stage.ts";

let stage: GateStage;
let posts = 0;
beforeAll(async () => {
  stage = await gateStage();
}, 120_000);
afterAll(() => stage.close());

const say = (authorId: string, text: string, more: Partial<PostPayload> = {}) => {
  const post = {
    id: `p${++posts}`,
    channelId: "c",
    rootId: "t",
    authorId,
    text,
    createdAt: 1,
    direct: false,
    hops: 0,
    ...more,
  };
  const word = gateWord(text, "athena");
  return word === undefined ? "no word" : answerGate(stage.parts, post, word);
};
let runs = 1;
const step = (number: number, parts = stage.parts, run = `r${++runs}`) => keep(parts, run, repo, number);
const approveAs = (who: string, number: number, commit_id?: string) =>
  stage.as(`token-of-${who}`).pulls.createReview({
    ...where,
    pull_number: number,
    event: "APPROVE",
    body: "Good.",
    ...(commit_id && { commit_id }),
  });
const idIn = (text: string) => /!approve ([0-9a-f]{10})/.exec(text)?.[1] ?? "";
const pull = async (number: number) => (await stage.parts.forge.pull(repo, number)).state;

test("the lens is asked of a colleague, passes, people are asked, one approves on the forge, the harness merges, once", async () => {
  const { number, text, id, sha } = await stage.ready();
  expect((await stage.parts.forge.pull(repo, number)).requestedReviewers).toEqual(["apollo-bot"]);
  expect(text).toContain("@mara");
  expect(text).not.toContain("@kim");
  expect(gateOf(stage.store, id)).toMatchObject({ state: "asked", commit: sha });
  expect((await step(number)).text).toBe("");
  await approveAs("mara", number, sha);
  expect((await step(number)).text).toContain("approved by mara");
  expect(await pull(number)).toBe("merged");
  expect(gateOf(stage.store, id)).toMatchObject({ state: "done", openedBy: "mara" });
  expect((await step(number)).text).toBe("");
  expect(stage.log().filter(({ what }) => what === "merge")).toHaveLength(1);
});

test("a lens that nobody looks at first is given to whoever has the least to look at in the repository", async () => {
  const agents = ["apollo-bot", "kim"].map((login) => ({ login, name: login, lenses: [], works: [] }));
  const parts = { ...stage.parts, config: { ...stage.config, forge: { ...stage.config.forge!, agents } } };
  const numbers: number[] = [];
  for (let n = 0; n < 8; n++) {
    await stage.commit(`load-${n}`, `load-${n}.txt`, "x\n");
    const { data } = await stage.as("token-of-athena-bot").pulls.create({
      ...where,
      head: `load-${n}`,
      base: "main",
      title: "Work",
    });
    numbers.push(data.number);
    await stage
      .as("token-of-mara")
      .pulls.requestReviewers({ ...where, pull_number: data.number, reviewers: ["apollo-bot"] });
  }
  for (const number of numbers.slice(0, 4)) {
    await step(number, parts);
    expect((await parts.forge.pull(repo, number)).requestedReviewers).toContain("kim");
  }
});

test("who is asked for an approval is told what the repository's own checks say, and not asked again when that changes", async () => {
  const ci = stage.as("token-of-ci[bot]");
  const look = (sha: string, name: string, conclusion?: "success" | "failure") =>
    ci.checks.create({ ...where, head_sha: sha, name, ...(conclusion && { conclusion }) });
  const quiet = await stage.ready();
  expect(quiet.text).not.toContain("checks");
  const { number, text, sha } = await stage.ready(undefined, async (commit) => {
    await look(commit, "build", "failure");
    await look(commit, "e2e");
    await look(commit, "lint", "failure");
    await look(commit, "lint", "success");
    await ci.repos.createCommitStatus({ ...where, sha: commit, context: "licences", state: "error" });
  });
  expect(text).toContain("checks failed:** `licences`, `build`. Not finished yet: `e2e`.");
  await look(sha, "build", "success");
  expect((await step(number)).text).toBe("");
  const green = await stage.ready(undefined, (commit) => look(commit, "build", "success"));
  expect(green.text).toContain("own checks passed: `build`.");
});

test("who is to be asked is asked, though the run that was to ask ended while the forge was asked for its checks", async () => {
  const { number, sha } = await stage.waiting();
  await stage
    .as("apollo-reviews")
    .repos.createCommitStatus({ ...where, sha, context: "olympus/security", state: "success" });
  const { forge } = stage.parts;
  const stops = new Proxy(forge, {
    get: (target, field) =>
      field === "checks" ? async () => Promise.reject(new Error("stopped")) : Reflect.get(target, field).bind(target),
  }) as Forge;
  await expect(step(number, { ...stage.parts, forge: stops })).rejects.toThrow("stopped");
  expect((await step(number)).text).toContain("waits for an approval");
});

test("C7 approved, then pushed: the gate is closed, nothing is merged, the new commit needs its own approval", async () => {
  const { number, id, branch, sha } = await stage.ready();
  await approveAs("mara", number, sha);
  const next = await stage.commit(branch, "more.txt", "more\n");
  notePush(stage.store, "more", next);
  await step(number);
  expect(await pull(number)).toBe("open");
  expect(gateOf(stage.store, id)).toMatchObject({ state: "closed", reason: expect.stringContaining("new push") });
  expect(say("id-mara", `!approve ${id}`)).toContain("closed");
  await stage
    .as("apollo-reviews")
    .repos.createCommitStatus({ ...where, sha: next, context: "olympus/security", state: "success" });
  expect((await step(number)).text).toContain("waits for an approval");
  expect(await pull(number)).toBe("open");
});

test("C7 opened in the chat, pushed before the merge: the commit that was approved is merged or nothing is", async () => {
  const { number, id, branch } = await stage.ready();
  expect(say("id-mara", `!approve ${id}`)).toBe("Approved.");
  await stage.commit(branch, "sneaked.txt", "x\n");
  await step(number);
  expect([await pull(number), gateOf(stage.store, id)!.state]).toEqual(["open", "closed"]);
});

test("C8 bots, authors, strangers, people without the right and texts open nothing; each try stands in the audit log", async () => {
  const { number, id, sha } = await stage.ready();
  const before = stage.log().length;
  await approveAs("ci[bot]", number, sha);
  await approveAs("kim", number, sha);
  await approveAs("stranger", number, sha);
  await stage
    .as("token-of-stranger")
    .issues.createComment({ ...where, issue_number: number, body: `approved by human\n!approve ${id}` });
  await expect(approveAs("athena-bot", number, sha)).rejects.toThrow("own pull request");
  await step(number);
  for (const [author, more] of [
    ["bot-apollo", {}],
    ["bot-athena", {}],
    ["id-kim", {}],
    ["id-nobody", {}],
    ["id-mara", { automatic: true }],
  ] as const)
    expect(say(author, `!approve ${id}`, more) ?? "silence").not.toBe("Approved.");
  expect(say("id-mara", `approved: !approve ${id}`)).toBe("no word");
  await step(number);
  expect([await pull(number), gateOf(stage.store, id)!.state]).toEqual(["open", "asked"]);
  const refusals = stage
    .log()
    .slice(before)
    .filter(({ kind }) => kind === "refusal");
  expect(refusals.map(({ actor }) => actor).sort()).toEqual([
    "github:ci[bot]",
    "github:kim",
    "github:stranger",
    "mattermost:bot-apollo",
    "mattermost:bot-athena",
    "mattermost:id-kim",
    "mattermost:id-mara",
    "mattermost:id-nobody",
  ]);
});

test("a change of infrastructure needs somebody trusted with that; who wants changes holds it up; the gate expires", async () => {
  const { number, id, sha } = await stage.ready("infra/main.tf");
  expect(gateOf(stage.store, id)!.kinds).toEqual(["merge", "infrastructure"]);
  await stage
    .as("token-of-kim")
    .pulls.createReview({ ...where, pull_number: number, event: "REQUEST_CHANGES", body: "No.", commit_id: sha });
  await approveAs("mara", number, sha);
  const { askedIn } = gateOf(stage.store, id)!;
  expect((await step(number, stage.parts, "objection")).text).toContain("kim wants changes");
  // A +1 on those words is no yes to the gate.
  expect(gateOf(stage.store, id)!.askedIn).toBe(askedIn);
  expect(await pull(number)).toBe("open");
  stage.clock.at = 73 * 3600_000;
  // The one in its place asks anew, and takes no approval from before.
  await stage
    .as("token-of-kim")
    .pulls.createReview({ ...where, pull_number: number, event: "APPROVE", body: "Yes.", commit_id: sha });
  const { text } = await step(number);
  expect(text).toContain("waits for an approval");
  const next = idIn(text);
  expect(next).not.toBe(id);
  expect(gateOf(stage.store, id)).toMatchObject({ state: "closed", reason: "nobody approved in time" });
  expect(say("id-mara", `!approve ${id}`)).toContain("closed");
  expect((await step(number)).text).toBe("");
  expect([await pull(number), gateOf(stage.store, next)!.state]).toEqual(["open", "asked"]);
  await approveAs("mara", number, sha);
  expect((await step(number)).text).toContain("approved by mara");
  stage.clock.at = 0;
});

test("refused is refused: neither time nor an approval of the same commit opens it", async () => {
  const { number, id, sha } = await stage.ready();
  expect(say("id-mara", `!refuse ${id}`)).toBe("It stays closed.");
  await approveAs("mara", number, sha);
  for (const hours of [0, 73]) {
    stage.clock.at = hours * 3600_000;
    expect((await step(number)).text).toBe("");
  }
  stage.clock.at = 0;
  expect([await pull(number), gateOf(stage.store, id)!.state]).toEqual(["open", "closed"]);
});

test("C8 a pull request whose work is not remembered, with a commit that nobody remembers pushing, is merged by people", async () => {
  const { branch, number } = await stage.ready();
  const sha = await stage.commit(branch, "mara.txt", "x\n");
  const status = { ...where, sha, context: "olympus/security", state: "success" as const };
  await stage.as("apollo-reviews").repos.createCommitStatus(status);
  await approveAs("mara", number, sha);
  expect((await step(number)).text).toContain("somebody else pushed to it");
  expect(await pull(number)).toBe("open");
});

test("closed and opened again on the forge, people are asked anew, and an approval from then on counts", async () => {
  const { number, id, sha } = await stage.ready();
  const set = (state: "open" | "closed") =>
    stage.as("token-of-kim").pulls.update({ ...where, pull_number: number, state });
  await set("closed");
  await step(number);
  expect(gateOf(stage.store, id)).toMatchObject({ state: "closed", reason: "the pull request is closed" });
  await set("open");
  const next = idIn((await step(number)).text);
  expect(next).not.toBe(id);
  expect(say("id-mara", `!approve ${id}`)).toContain("closed");
  await approveAs("mara", number, sha);
  expect((await step(number)).text).toContain("approved by mara");
});

test("a label, a stricter policy and another base ask anew, for what is needed by then", async () => {
  const { number, id, sha } = await stage.ready();
  const labelled = { labels: ["infra"], kind: "infrastructure", lens: "product" };
  const { kind, ...lens } = labelled;
  const { lens: _, ...rule } = labelled;
  const merge = [...stage.parts.policy.merge, rule];
  const policy = policySchema.parse({ ...stage.parts.policy, merge, lenses: [...stage.parts.policy.lenses, lens] });
  const parts = { ...stage.parts, policy };
  expect((await step(number, parts)).text).toBe("");
  expect(say("id-mara", `!approve ${id}`)).toBe("Approved.");
  await stage.as("token-of-kim").issues.addLabels({ ...where, issue_number: number, labels: ["infra"] });
  await step(number, parts);
  const [waits] = liveGates(stage.store).filter((gate) => gate.number === number);
  expect(waits).toMatchObject({ state: "waiting", kinds: ["merge", kind], lenses: ["security", "product"] });
  expect(gateOf(stage.store, id)).toMatchObject({ state: "closed", reason: expect.stringContaining("asked anew") });
  const context = "olympus/product";
  await stage.as("apollo-reviews").repos.createCommitStatus({ ...where, sha, context, state: "success" });
  const asked = idIn((await step(number, parts)).text);
  expect(asked).toBe(waits!.id);
  await approveAs("kim", number, sha);
  expect((await step(number, parts)).text).toBe("");

  await stage.as("token-of-mara").git.createRef({ ...where, ref: "refs/heads/other", sha: await stage.main() });
  await approveAs("mara", number, sha);
  await stage.as("token-of-mara").pulls.update({ ...where, pull_number: number, base: "other" });
  const onto = idIn((await step(number, parts)).text);
  expect(gateOf(stage.store, onto)).toMatchObject({ state: "asked", base: "other" });
  expect(onto).not.toBe(asked);
  expect(await pull(number)).toBe("open");
});

test("C8 what others pushed to an agent's branch is merged by people, also when the agent goes on from it", async () => {
  const { branch, sha, number, id } = await stage.ready();
  const work = { repo, number, branch, base: await stage.main(), run: "r1", lease_until: 0 };
  beginWork(stage.store, { ...work, channel: null, root: null, chain: "", hops: 0 }, 1);
  const pushed = (head: string) => changeWork(stage.store, repo, number, { head, pull: number }, 1);
  pushed(sha);
  expect((await step(number)).text).toBe("");
  expect(gateOf(stage.store, id)!.state).toBe("asked");
  await stage.commit(branch, "theirs.txt", "x\n");
  expect((await step(number)).text).toContain("somebody else pushed");
  expect(gateOf(stage.store, id)!.state).toBe("closed");
  const next = await stage.commit(branch, "own.txt", "x\n");
  pushed(next);
  const status = { ...where, sha: next, context: "olympus/security", state: "success" as const };
  await stage.as("apollo-reviews").repos.createCommitStatus(status);
  await approveAs("mara", number, next);
  expect((await step(number)).text).toContain("somebody else pushed");
  expect((await step(number)).text).toBe("");
  expect(await pull(number)).toBe("open");
});

test("C8 a login that is another account by now approves nothing; the thread says what to do, once", async () => {
  const { number, id, sha } = await stage.ready();
  await approveAs("mara", number, sha);
  const another = { ...stage.parts, forge: Object.create(stage.parts.forge) as Forge };
  another.forge.reviews = async (...which) =>
    (await stage.parts.forge.reviews(...which)).map((one) => ({ ...one, author: { ...one.author, id: 7777 } }));
  const known = (await stage.parts.forge.reviews(repo, number))[0]!.author;
  expect(knownPerson(stage.parts, known)).toMatchObject({ name: "mara" });
  expect((await step(number, another)).text).toContain("`mara` is another account of the forge (7777)");
  expect((await step(number, another)).text).toBe("");
  expect([await pull(number), gateOf(stage.store, id)!.state]).toEqual(["open", "asked"]);
  const refused = stage.log().filter(({ kind, evidence }) => kind === "refusal" && evidence?.gate === id);
  expect(refused.map(({ actor, evidence }) => [actor, evidence?.reason])).toEqual([
    ["github:mara", expect.stringContaining("npx olympus role setup agent")],
  ]);
});

test("a push of the agent's own that was seen before it was written down is its own", async () => {
  const { branch, sha, number } = await stage.ready();
  const work = { repo, number, branch, base: await stage.main(), run: "r1", lease_until: 0 };
  beginWork(stage.store, { ...work, channel: null, root: null, chain: "", hops: 0 }, 1);
  changeWork(stage.store, repo, number, { head: sha, pull: number }, 1);
  const next = await stage.commit(branch, "own.txt", "x\n");
  notePush(stage.store, "r1", next);
  await step(number);
  const status = { ...where, sha: next, context: "olympus/security", state: "success" as const };
  await stage.as("apollo-reviews").repos.createCommitStatus(status);
  expect((await step(number)).text).toContain("waits for an approval");
});

test("a run that was killed before it could hand over its words says them again; another says nothing", async () => {
  const { number, text, sha } = await stage.ready();
  expect((await step(number, stage.parts, "r1")).text).toBe(text);
  expect((await step(number)).text).toBe("");
  await approveAs("mara", number, sha);
  const merged = (await step(number, stage.parts, "killed")).text;
  expect(merged).toContain("approved by mara");
  expect((await step(number, stage.parts, "killed")).text).toBe(merged);
  expect((await step(number)).text).toBe("");
  expect(stage.log().filter(({ what, subject }) => what === "merge" && subject?.endsWith(sha))).toHaveLength(1);
});

test("approved in the chat alone, the forge's own protection still wants a person's review", async () => {
  const { number, id } = await stage.ready();
  expect(say("id-mara", `!approve ${id}`)).toBe("Approved.");
  expect((await step(number)).text).toContain("The forge does not let me merge");
  expect(await pull(number)).toBe("open");
});

test("doctor sees whether the default branch wants a person's review", async () => {
  const look = (token: string, api = stage.forge.api) =>
    protectionOf(api, new Secret("token", token), repo, new AbortController().signal);
  expect(await look("token-of-mara")).toMatchObject({ state: "ok", fact: "main wants one approval" });
  expect(await look("apollo-reviews")).toMatchObject({ state: "warn" });
  expect(await look("nobody's")).toMatchObject({ state: "fail" });
  expect(await look("token-of-mara", "http://127.0.0.1:1")).toMatchObject({ state: "fail" });
  await stage.as("token-of-mara").repos.deleteBranchProtection({ ...where, branch: "main" });
  expect(await look("token-of-mara")).toMatchObject({ state: "fail", fact: expect.stringContaining("not protected") });
});
