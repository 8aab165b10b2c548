/** What no event tells the agent that looks after a pull request: on the rehearsal forge, through its own poller. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Forge, ForgeError } from "../../src/harness/forge-port.ts";
import { liveGates } from "../../src/harness/gates/book.ts";
import { readAssigned } from "../../src/harness/review/states.ts";
import { notePush } from "../../src/harness/tasks/table.ts";
import { type TriedForge, tryForge, world } from "../support/forge.ts";
import { type ForgeAgent, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

const repo = { owner: "zeus", repo: "app" };
const minute = 60_000;
let tried: TriedForge;
let athena: ForgeAgent;
let shift = 0;
const now = () => Date.now() + shift;

beforeEach(async () => {
  shift = 0;
  const [app] = world.repositories!;
  const collaborators = { ...app!.collaborators, hermes: "push" as const };
  tried = await tryForge({
    limits: { contentMinute: 100_000, hour: 1_000_000 },
    clock: now,
    world: {
      ...world,
      users: [...world.users, { login: "hermes" }],
      repositories: [{ ...app!, collaborators, protect: { reviews: 1, checks: ["ci"] } }],
    },
  });
});

afterEach(async () => {
  await athena.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
  // What was asked and answered fits GitHub\'s description.
  expect(tried.wrong).toEqual([]);
});

const as = (login: string) => tried.as(`token-of-${login}`);
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 300_000, interval: 200 });

/** athena with a pull request of hers. */
async function start(lenses: { lens: string }[], wrap?: (forge: Forge) => Forge) {
  const team = ["athena", "apollo", "hermes"];
  const more = { policy: { lenses }, now, ...(wrap && { wrap }) };
  athena = await forgeAgent("athena", tried.forge.api, team, playedTeam(), () => "", more);
  const main = (await as("athena").git.getRef({ ...repo, ref: "heads/main" })).data.object.sha;
  const branch = "olympus/issue-1";
  await as("athena").git.createRef({ ...repo, ref: `refs/heads/${branch}`, sha: main });
  const change = { ...repo, path: "new.txt", branch, message: "Work", content: "eA==" };
  const sha = (await as("athena").repos.createOrUpdateFileContents(change)).data.commit.sha!;
  notePush(athena.store, "run", sha);
  const { number } = (await as("athena").pulls.create({ ...repo, head: branch, base: "main", title: "Work" })).data;
  await athena.start();
  return { sha, number };
}

/** Once everything is taken in that the forge told of: what just changed is looked into again for some seconds. */
async function settled(): Promise<void> {
  const looks = () => athena.ended("gate").length;
  for (let [before, since] = [looks(), Date.now()]; Date.now() - since < 4000; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (looks() !== before) [before, since] = [looks(), Date.now()];
  }
}

const check = (sha: string, state: "pending" | "success") =>
  as("zeus").repos.createCommitStatus({ ...repo, sha, context: "ci", state });
const approve = (pull_number: number, commit_id: string) =>
  as("zeus").pulls.createReview({ ...repo, pull_number, event: "APPROVE", commit_id });
const merged = async (pull_number: number) => (await as("zeus").pulls.get({ ...repo, pull_number })).data.merged;

test("a reviewer that says nothing for half an hour is replaced, though nothing happens on the forge", async () => {
  const { sha } = await start([{ lens: "security" }]);
  const asked = async () => {
    const { data } = await as("zeus").repos.listCommitStatusesForRef({ ...repo, ref: sha });
    return readAssigned(data.find(({ context }) => context === "olympus/security")?.description ?? "");
  };
  await soon(asked).toBeDefined();
  const first = await asked();
  await settled();
  expect(athena.ended("gate").at(-1)?.outcome).toBe("done: waits");
  shift = 31 * minute;
  await soon(asked).toBe(["apollo", "hermes"].find((login) => login !== first));
}, 600_000);

test("approved while a check runs, it is merged once that is green, though nothing tells of it", async () => {
  const { sha, number } = await start([]);
  await check(sha, "pending");
  await soon(() => liveGates(athena.store).map(({ state }) => state)).toEqual(["asked"]);
  await approve(number, sha);
  await soon(() => liveGates(athena.store).map(({ state }) => state)).toEqual(["open"]);
  await settled();
  await check(sha, "success");
  await settled();
  expect(await merged(number)).toBe(false);
  shift = 6 * minute;
  await soon(() => merged(number)).toBe(true);
}, 600_000);

test("an outage that is longer than the tries of a run loses no approval", async () => {
  let [away, failures] = [false, 0];
  const { sha, number } = await start(
    [],
    (forge) =>
      new Proxy(forge, {
        get(target, field) {
          const value: unknown = Reflect.get(target, field);
          if (field !== "files") return typeof value === "function" ? value.bind(target) : value;
          return async (...given: Parameters<Forge["files"]>) => {
            if (!away) return target.files(...given);
            if (++failures === 13) away = false;
            throw new ForgeError(failures % 2 ? "retry" : "unauthorised", "Bad gateway", { status: 502 });
          };
        },
      }),
  );
  await check(sha, "success");
  await soon(() => liveGates(athena.store).map(({ state }) => state)).toEqual(["asked"]);
  away = true;
  await approve(number, sha);
  await soon(() => merged(number)).toBe(true);
  expect(failures).toBe(13);
}, 600_000);
