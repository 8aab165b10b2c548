/** Claims on the rehearsal forge. */
import { rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { releaseClaims } from "../../src/cli/agent-claims.ts";
import { type Forge, ForgeError } from "../../src/harness/forge-port.ts";
import type { ForgePayload } from "../../src/harness/forge-work.ts";
import { claim, clearFormer, lastRelease, release, releaseStale } from "../../src/harness/tasks/claim.ts";
import { letGo } from "../../src/harness/tasks/let-go.ts";
import { workOf } from "../../src/harness/tasks/table.ts";
import { repositorySchema } from "../../src/team/repository-schema.ts";
import { type TriedForge, tryForge } from "../support/forge.ts";
import { app, type ForgeAgent, type ForgePlay, forgeAgent, teamKey } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";
import { changedTeam, labTeam } from "../support/team.ts";

let tried: TriedForge;
const agents: ForgeAgent[] = [];

beforeEach(async () => {
  tried = await tryForge({ limits: { contentMinute: 100_000, hour: 1_000_000 } });
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
  // What was asked and answered fits GitHub\'s description.
  expect(tried.wrong).toEqual([]);
});

const both = ["athena", "apollo"];
const repo = { owner: "zeus", repo: "app" };
const as = (login: string) => tried.as(`token-of-${login}`);
const never = new AbortController().signal;

/** `but`: what its forge does in another way. */
async function agent(
  name: string,
  play: ForgePlay,
  leaseHours = 2,
  but: (forge: Forge) => Partial<Forge> = () => ({}),
): Promise<ForgeAgent> {
  const wrap = (forge: Forge): Forge => {
    const other = but(forge);
    return new Proxy(forge, {
      get(target, field) {
        const value: unknown = Reflect.get(field in other ? other : target, field);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  const made = await forgeAgent(name, tried.forge.api, both, playedTeam(), play, { change: { leaseHours }, wrap });
  agents.push(made);
  return made;
}

async function wish(title: string): Promise<number> {
  return (await as("zeus").issues.create({ ...repo, title, labels: ["olympus"] })).data.number;
}

const base = async () => (await as("zeus").git.getRef({ ...repo, ref: "heads/main" })).data.object.sha;
const payload = (number: number) => ({ repo: app, number, channelId: "", rootId: "", hops: 0 }) as ForgePayload;

test("a claim outlives its agent's database; one whose agent does not come back is free again, and taken by another", async () => {
  const number = await wish("lost");
  const origin = { chain: "c", base: await base() };
  const first = await agent("athena", () => "", 1e-6);
  const held = await claim(first.parts, "run-1", payload(number), origin, never);
  expect(held).toMatchObject({ branch: `olympus/issue-${number}` });
  // The same run, after a crash, and an agent whose database was lost, whose claim the forge remembers.
  expect((await claim(first.parts, "run-1", payload(number), origin, never))?.comment).toBe(held?.comment);
  const other = await agent("apollo", () => "");
  expect(await claim(other.parts, "run-2", payload(number), origin, never)).toBeUndefined();
  expect(workOf(other.store, app, number)).toBeUndefined();
  expect(await releaseStale(other.parts, app, never)).toEqual([number]);
  expect(await releaseStale(other.parts, app, never)).toEqual([]);
  expect(await claim(other.parts, "run-3", payload(number), origin, never)).toMatchObject({ run: "run-3" });
});

test("a branch that nobody said to have made is free again after a lease: its agent was ended between the two, for good", async () => {
  const number = await wish("half claimed");
  await as("apollo").git.createRef({ ...repo, ref: `refs/heads/olympus/issue-${number}`, sha: await base() });
  const patient = await agent("apollo", () => "");
  expect(await releaseStale(patient.parts, app, never)).toEqual([]);
  expect(await releaseStale(patient.parts, app, never)).toEqual([]);
  const athena = await agent("athena", () => "", 1e-4);
  expect(await releaseStale(athena.parts, app, never)).toEqual([]);
  await expect.poll(() => releaseStale(athena.parts, app, never), { timeout: 60_000 }).toEqual([number]);
  const origin = { chain: "c", base: await base() };
  expect(await claim(athena.parts, "run-1", payload(number), origin, never)).toMatchObject({ run: "run-1" });
}, 600_000);

const said = async (number: number) =>
  (await as("zeus").issues.listComments({ ...repo, issue_number: number })).data.map(({ body }) => body ?? "");
const branches = async () =>
  (await as("zeus").git.listMatchingRefs({ ...repo, ref: "heads/olympus/" })).data.map(({ ref }) => ref.slice(11));

test("an agent that leaves the team lets go of its claims with its own token; a forge that is away is told", async () => {
  const { team: lab, secrets, folder } = await labTeam();
  try {
    const machines = lab.machines.map((one) => ({ ...one, roles: { ...one.roles, github: { login: one.name } } }));
    const teamOn = (api: string) =>
      changedTeam({ ...lab, machines }, (file) => {
        file.repositories[app] = { ...repositorySchema.parse({}), agents: ["athena"] };
        file.forge.api = api;
      });
    secrets.set("agents.athena.github", "token-of-athena");
    secrets.set("team.hmac", teamKey.reveal());
    const numbers = [await wish("begun"), await wish("in review"), await wish("another's")] as const;
    const origin = { chain: "c", base: await base() };
    const [athena, apollo] = [await agent("athena", () => ""), await agent("apollo", () => "")];
    for (const number of numbers.slice(0, 2))
      await claim(athena.parts, `run-${number}`, payload(number), origin, never);
    await claim(apollo.parts, "run-other", payload(numbers[2]), origin, never);
    const head = `olympus/issue-${numbers[1]}`;
    const change = { path: "new", message: "new", content: "bmV3", branch: head };
    await as("athena").repos.createOrUpdateFileContents({ ...repo, ...change });
    const pull = (await as("athena").pulls.create({ ...repo, title: "new", head, base: "main" })).data.number;

    const told: string[] = [];
    const reporter = { info: (line: string) => void told.push(line), warn: (line: string) => void told.push(line) };
    const leaves = (api: string, waitMs = 20_000) =>
      releaseClaims(teamOn(api), secrets, "athena", reporter, never, waitMs);
    const mute = new Set<Socket>();
    const server = createServer((socket) => void mute.add(socket.resume().once("close", () => mute.delete(socket))));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    expect(await leaves(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 1_000)).toBe(0);
    expect(told.splice(0)).toEqual([expect.stringMatching(/could not all be released/)]);
    // Nothing keeps the command's process waiting.
    await expect.poll(() => mute.size).toBe(0);
    server.close();
    expect(await leaves("http://127.0.0.1:9")).toBe(0);
    expect(told.splice(0)).toEqual([expect.stringMatching(/could not all be released.*2 hours after/)]);
    expect(await leaves(tried.forge.api)).toBe(1);
    expect(told).toEqual([
      `${app}#${numbers[0]} is free again`,
      `${app}#${pull}, a pull request of athena, stays open for people`,
    ]);
    expect((await branches()).sort()).toEqual([`olympus/issue-${numbers[1]}`, `olympus/issue-${numbers[2]}`]);
    expect(await claim(apollo.parts, "run-next", payload(numbers[0]), origin, never)).toMatchObject({
      run: "run-next",
    });
    expect(await leaves(tried.forge.api)).toBe(0);

    // The forge fails between two claims of one repository.
    const more = [await wish("first"), await wish("second")];
    for (const number of more) await claim(athena.parts, `run-${number}`, payload(number), origin, never);
    told.length = 0;
    reporter.info = (line) => {
      told.push(line);
      if (line.endsWith("is free again")) tried.forge.bar(3600);
    };
    expect(await leaves(tried.forge.api)).toBe(1);
    expect(told).toEqual([
      `${app}#${pull}, a pull request of athena, stays open for people`,
      `${app}#${more[0]} is free again`,
      expect.stringMatching(/could not all be released/),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);

test("an issue that was deleted, and a branch that is no issue's, keep no other claim from being released", async () => {
  const [deleted, number] = [await wish("deleted"), await wish("lost")];
  const origin = { chain: "c", base: await base() };
  const athena = await agent("athena", () => "", 1e-6);
  for (const one of [deleted, number]) await claim(athena.parts, `run-${one}`, payload(one), origin, never);
  await as("zeus").git.createRef({ ...repo, ref: "refs/heads/olympus/issue-", sha: origin.base });
  const apollo = await agent(
    "apollo",
    () => "",
    2,
    (forge) => ({
      comments: async (name, of) => {
        if (of === deleted) throw new ForgeError("missing", "This issue was deleted", { status: 410 });
        return forge.comments(name, of);
      },
    }),
  );
  expect(await releaseStale(apollo.parts, app, never)).toEqual([number]);
  expect(await branches()).toEqual(["olympus/issue-", `olympus/issue-${deleted}`]);
});

test("a claim is released by one comment, also where its branch could not be deleted at once; one that was just released is taken", async () => {
  const number = await wish("given back");
  const origin = { chain: "c", base: await base() };
  let refused = 0;
  const athena = await agent(
    "athena",
    () => "",
    1e-6,
    (forge) => ({
      deleteBranch: async (name, branch) => {
        if (refused++ === 0) throw new ForgeError("retry", "bad gateway", { status: 502 });
        return forge.deleteBranch(name, branch);
      },
    }),
  );
  await claim(athena.parts, "run-1", payload(number), origin, never);
  expect(await releaseStale(athena.parts, app, never)).toEqual([number]);
  expect(refused).toBe(2);
  expect((await said(number)).filter((text) => text.includes("free again."))).toHaveLength(1);
  // Of the next release apollo sees the comment, but the branch still there.
  await as("athena").git.createRef({ ...repo, ref: `refs/heads/olympus/issue-${number}`, sha: origin.base });
  const apollo = await agent(
    "apollo",
    () => "",
    2,
    (forge) => ({
      comments: async (name, of) => {
        const found = await forge.comments(name, of);
        await forge.deleteBranch(name, `olympus/issue-${of}`);
        return found;
      },
    }),
  );
  expect(await claim(apollo.parts, "run-2", payload(number), origin, never)).toMatchObject({ run: "run-2" });
}, 600_000);

test("a claim stands as long as its pull request is open; closed unmerged, the issue is free again", async () => {
  const number = await wish("refused");
  const athena = await agent("athena", () => "", 1e-6);
  await claim(athena.parts, "run-1", payload(number), { chain: "c", base: await base() }, never);
  const branch = `olympus/issue-${number}`;
  const content = Buffer.from("new").toString("base64");
  await as("athena").repos.createOrUpdateFileContents({ ...repo, path: "new.txt", branch, message: "m", content });
  const pull = (await as("athena").pulls.create({ ...repo, head: branch, base: "main", title: "t" })).data.number;
  expect(await releaseStale(athena.parts, app, never)).toEqual([]);
  await as("zeus").pulls.update({ ...repo, pull_number: pull, state: "closed" });
  expect(await releaseStale(athena.parts, app, never)).toEqual([number]);
  expect(await branches()).toEqual([]);
});

const work = async (login: string, number: number) => {
  const branch = `olympus/issue-${number}`;
  const content = Buffer.from("new").toString("base64");
  await as(login).repos.createOrUpdateFileContents({ ...repo, path: "new.txt", branch, message: "m", content });
  return (await as(login).pulls.create({ ...repo, head: branch, base: "main", title: "t" })).data.number;
};
const pullState = async (pull_number: number) => (await as("zeus").pulls.get({ ...repo, pull_number })).data.state;

test("an agent that is back after its lease leaves the issue, its branch and its pull request to whoever has it by now", async () => {
  const number = await wish("taken over");
  const origin = { chain: "c", base: await base() };
  const [athena, apollo] = [await agent("athena", () => "", 1e-6), await agent("apollo", () => "")];
  const held = await claim(athena.parts, "run-1", payload(number), origin, never);
  expect(await releaseStale(apollo.parts, app, never)).toEqual([number]);
  await claim(apollo.parts, "run-2", payload(number), origin, never);
  const pull = await work("apollo", number);
  expect(await claim(athena.parts, "run-1", payload(number), origin, never)).toBeUndefined();
  // An agent that had begun to release the same claim before.
  await release(athena.parts, app, number, { claim: held!.comment!, why: "free again" }, never);
  expect(await branches()).toEqual([`olympus/issue-${number}`]);
  expect(await pullState(pull)).toBe("open");
});

test("an agent whose claim was released while it works stops, and what another one has by then stays", async () => {
  let busy = 0;
  const athena = await agent("athena", () => ({ name: "bash", input: { script: `echo ${++busy}; sleep 0.2` } }));
  const apollo = await agent("apollo", () => "");
  const number = await wish("taken away");
  await athena.start();
  await expect.poll(() => busy, { timeout: 300_000 }).toBeGreaterThan(0);
  const held = workOf(athena.store, app, number)!;
  await release(apollo.parts, app, number, { claim: held.comment!, why: "free again", quiet: true }, never);
  await claim(apollo.parts, "run-2", payload(number), { chain: "c", base: held.base }, never);
  const pull = await work("apollo", number);
  await expect
    .poll(() => athena.ended("issue").map(({ outcome }) => outcome), { timeout: 300_000 })
    .toEqual(["done: its claim was released"]);
  expect(athena.audited().filter((one) => one.startsWith("harness release"))).toEqual([]);
  expect(await pullState(pull)).toBe("open");
}, 600_000);

test("what is let go of is free, quietly and with the label for people; what somebody else has by then is left alone", async () => {
  const [mine, theirs] = [await wish("given up"), await wish("given up, and taken over")];
  const origin = { chain: "c", base: await base() };
  const [athena, apollo] = [await agent("athena", () => ""), await agent("apollo", () => "")];
  for (const number of [mine, theirs]) await claim(athena.parts, `run-${number}`, payload(number), origin, never);
  const { comment } = workOf(athena.store, app, theirs)!;
  await release(apollo.parts, app, theirs, { claim: comment!, why: "free again" }, never);
  await claim(apollo.parts, "run-2", payload(theirs), origin, never);
  await letGo(athena.parts, never);
  await letGo(athena.parts, never);
  expect(await branches()).toEqual([`olympus/issue-${theirs}`]);
  const labels = async (issue_number: number) =>
    (await as("zeus").issues.get({ ...repo, issue_number })).data.labels.length;
  expect([await labels(mine), await labels(theirs)]).toEqual([2, 1]);
  expect((await said(mine)).filter((text) => text.startsWith("I do not go on with this by myself"))).toHaveLength(1);
  const comments = await apollo.parts.forge.comments(app, mine);
  expect(lastRelease(apollo.parts, app, comments)).toBeUndefined();
});

test("a claim that led to a merge holds nothing: the issue is begun anew by whoever is asked, once, and its next claim is one like any", async () => {
  const number = await wish("once more");
  const origin = { chain: "c", base: await base() };
  const [athena, apollo] = [await agent("athena", () => "", 1e-6), await agent("apollo", () => "", 1e-6)];
  await claim(athena.parts, "run-1", payload(number), origin, never);
  const pull = await work("athena", number);
  expect(await clearFormer(apollo.parts, app, number, never)).toBeUndefined();
  expect(await branches()).toHaveLength(1);
  expect(await clearFormer(athena.parts, app, number, never)).toMatchObject({ pull: { number: pull } });
  await as("zeus").pulls.merge({ ...repo, pull_number: pull, merge_method: "squash" });
  expect(await releaseStale(athena.parts, app, never)).toEqual([]);
  expect(await clearFormer(apollo.parts, app, number, never)).toBeUndefined();
  expect(await branches()).toEqual([]);
  expect((await said(number)).filter((text) => text.startsWith(`#${pull} is merged: this begins anew.`))).toHaveLength(
    1,
  );
  // The forge's times are whole seconds.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(await claim(apollo.parts, "run-2", payload(number), origin, never)).toMatchObject({ run: "run-2" });
  expect(await releaseStale(athena.parts, app, never)).toEqual([number]);
});
