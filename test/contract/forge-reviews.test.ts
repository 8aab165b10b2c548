/** Who starts reviews, and with which token they are given: agents on the rehearsal forge. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { sayAssigned } from "../../src/harness/review/states.ts";
import { tokenHash } from "../../src/rehearsal/forge/setup.ts";
import { refusal, type TriedForge, tryForge, world } from "../support/forge.ts";
import { type ForgeAgent, type ForgePlay, forgeAgent } from "../support/forge-agents.ts";
import { playedTeam } from "../support/played-agent.ts";

let tried: TriedForge;
let shift = 0;
const now = () => Date.now() + shift;
const agents: ForgeAgent[] = [];
const [app, ...others] = world.repositories!;
const both = ["athena", "apollo"];
const repo = { owner: "zeus", repo: "app" };

const { permissions } = world.tokens![0]!;
const user = "athena";
/** For work alone, and for reviews alone. */
const split = [
  {
    sha256: tokenHash("token-of-athena"),
    user,
    permissions: { ...permissions, pull_requests: "read", statuses: "read" },
  },
  {
    sha256: tokenHash("athena-reviews"),
    user,
    permissions: { contents: "read", issues: "read", pull_requests: "write", statuses: "write" },
  },
] as const;

async function begin(tokens: NonNullable<typeof world.tokens>): Promise<void> {
  shift = 0;
  tried = await tryForge({
    clock: now,
    limits: { contentMinute: 100_000, hour: 1_000_000 },
    world: {
      ...world,
      // May push, but is nobody of the team.
      users: [...world.users, { login: "helper" }],
      tokens: [...tokens, { sha256: tokenHash("token-of-helper"), user: "helper", permissions }],
      repositories: [{ ...app!, collaborators: { ...app!.collaborators, helper: "push" } }, ...others],
    },
  });
}

beforeEach(() => begin(world.tokens!));
const end = async (): Promise<void> => {
  for (const agent of agents.splice(0)) await agent.close();
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
};
afterEach(async () => {
  await end();
  expect(tried.wrong).toEqual([]);
});

const as = (login: string) => tried.as(`token-of-${login}`);
const soon = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 300_000, interval: 200 });
const wantsChanges: ForgePlay = () => ({
  name: "finish_review",
  input: { verdict: "changes", summary: "Not yet.", findings: [] },
});

async function start(name: string, reviewToken?: Secret): Promise<ForgeAgent> {
  const made = await forgeAgent(name, tried.forge.api, both, playedTeam(), wantsChanges, {
    policy: {},
    now,
    change: { repositories: [{ name: "zeus/app", work: false }] },
    ...(reviewToken && { reviewToken }),
  });
  agents.push(made);
  await made.start();
  return made;
}

/** A pull request with a file of its own, from a branch of `owner`'s repository. */
async function propose(login: string, owner: string, branch: string) {
  const sha = (await as(login).git.getRef({ ...repo, ref: "heads/main" })).data.object.sha;
  const theirs = { owner, repo: "app" };
  await as(login).git.createRef({ ...theirs, ref: `refs/heads/${branch}`, sha });
  const content = Buffer.from("new\n").toString("base64");
  const file = { path: `${branch}.txt`, branch, message: "m", content };
  await as(login).repos.createOrUpdateFileContents({ ...theirs, ...file });
  const { data } = await as(login).pulls.create({ ...repo, head: `${owner}:${branch}`, base: "main", title: branch });
  return { number: data.number, sha: data.head.sha, at: { ...repo, pull_number: data.number } };
}

const runsOn = (number: number) =>
  agents.flatMap(({ store }) =>
    store.all<{ kind: string }>("SELECT kind FROM runs WHERE lane = ?", `github:zeus/app#${number}`),
  );
const reviewsOf = async (pull_number: number) =>
  (await as("zeus").pulls.listReviews({ ...repo, pull_number })).data.map(({ user: by, state }) => [by?.login, state]);

test("C22 an outsider's pull request begins nothing, whoever of the outside labels it or asks for reviews; a person's label does, for remarks alone", async () => {
  await as("stranger").repos.createFork(repo);
  const { number, sha, at } = await propose("stranger", "stranger", "theirs");
  const reviewers = both;
  expect((await refusal(as("stranger").pulls.requestReviewers({ ...at, reviewers }))).status).toBeGreaterThan(400);
  const label = { ...repo, issue_number: number, labels: ["olympus"] };
  expect((await refusal(as("stranger").issues.addLabels(label))).status).toBeGreaterThan(400);
  await as("stranger").issues.createComment({ ...repo, issue_number: number, body: "@athena @apollo review this" });
  await as("helper").pulls.requestReviewers({ ...at, reviewers });
  await as("helper").issues.addLabels(label);
  for (const name of both) await start(name);
  const own = await propose("zeus", "zeus", "ours");
  await soon(() => reviewsOf(own.number)).toHaveLength(1);
  // Seen before that, for it changed before.
  expect(runsOn(number)).toEqual([]);
  expect(await reviewsOf(number)).toEqual([]);
  expect((await as("zeus").repos.listCommitStatusesForRef({ ...repo, ref: sha })).data).toEqual([]);

  await as("zeus").issues.removeLabel({ ...repo, issue_number: number, name: "olympus" });
  await as("zeus").issues.addLabels(label);
  const ended = (kind: string) =>
    agents.flatMap((agent) => agent.ended(kind)).filter(({ lane }) => lane.endsWith(`#${number}`));
  await soon(() => ended("gate").length).toBeGreaterThan(0);
  await soon(() => ended("review").length).toBeGreaterThan(1);
  // Both were asked before one of them was given the lens, which the forge tells nobody.
  shift = 6 * 60_000;
  await soon(() => reviewsOf(number)).toEqual([[expect.stringMatching(/^(athena|apollo)$/), "COMMENTED"]]);
  expect(new Set(runsOn(number).map(({ kind }) => kind))).toEqual(new Set(["review", "gate"]));
  expect((await as("zeus").pulls.get(at)).data.state).toBe("open");
}, 600_000);

test("a review and its status come by the token for reviews, work by the other", async () => {
  await end();
  await begin([...world.tokens!.filter(({ user: of, repositories }) => of !== user || repositories), ...split]);
  const { number, sha } = await propose("zeus", "zeus", "ours");
  const status = { context: "olympus/security", state: "pending", description: sayAssigned(user) } as const;
  await as("apollo").repos.createCommitStatus({ ...repo, sha, ...status });
  await as("apollo").pulls.requestReviewers({ ...repo, pull_number: number, reviewers: [user] });
  const athena = await start(user, new Secret("review.token", "athena-reviews"));
  await soon(() => reviewsOf(number)).toEqual([[user, "CHANGES_REQUESTED"]]);
  const { data } = await as("zeus").repos.getCombinedStatusForRef({ ...repo, ref: sha });
  expect(data.statuses).toMatchObject([{ context: "olympus/security", state: "failure" }]);
  // Neither token can do what the other one is for.
  const review = { ...repo, pull_number: number, event: "COMMENT", body: "b" } as const;
  expect((await refusal(as(user).pulls.createReview(review))).status).toBe(403);
  const branch = { ...repo, ref: "refs/heads/other", sha };
  expect((await refusal(tried.as("athena-reviews").git.createRef(branch))).status).toBe(403);
  await expect(athena.parts.forge.createBranch("zeus/app", "olympus/issue-99", sha)).resolves.toBe(true);
}, 600_000);
