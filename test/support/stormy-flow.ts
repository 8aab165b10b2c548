import { Octokit } from "@octokit/rest";
import { openSecrets } from "../../secrets/store.ts";
import { seeded } from "../../src/bench/storm-plan.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { Conversation } from "./conversation.ts";
import { eventually } from "./olympus.ts";

/** Where an agent is killed: as soon as the forge or the thread shows it. */
const steps = {
  athena: ["the issue is open", "a review is asked for", "the review is there"],
  apollo: ["the branch is made", "the pull request is open", "people are asked"],
} as const;
type Step = (typeof steps)[keyof typeof steps][number];

export interface StormyFlow {
  /** What was said in the thread, oldest first. */
  readonly told: readonly string[];
  readonly issue: number;
  readonly pull: number;
  /** Who reviewed, and how often the pull request of that branch was made. */
  readonly reviewers: readonly string[];
  readonly pulls: number;
  readonly killed: readonly string[];
}

/** So many requests that make something GitHub takes of one account in a minute. */
const contentMinute = 80;

/**
 * A mention's way to a merge by agents on machines, in the team's first repository: each of them is killed with SIGKILL at a step that the
 * seed chooses, no webhook comes from the mention until people are asked, and at another step the developer's account has used up what
 * the forge takes in a minute.
 */
export async function stormyFlow(
  { teamFile, forge, seed }: { readonly teamFile: string; readonly forge: string; readonly seed: number },
  mara: Conversation,
  kill: (agent: keyof typeof steps) => Promise<unknown>,
): Promise<StormyFlow> {
  const team = await loadTeam(teamFile);
  const secrets = await openSecrets(team);
  const [owner, repo] = Object.keys(team.team.repositories)[0]!.split("/") as [string, string];
  const where = { owner, repo };
  const as = (secret: string) =>
    new Octokit({ auth: secrets.require(secret).reveal(), baseUrl: `${forge}/api/v3`, request: { retries: 0 } });
  const person = as("people.mara.github");
  const random = seeded(seed);
  const draw = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const kills = { athena: draw(steps.athena), apollo: draw(steps.apollo) };
  const barred = draw(Object.values(steps).flat());
  process.stderr.write(
    `stormy flow: seed ${seed}; athena is killed when ${kills.athena}, apollo when ${kills.apollo}; the limit is reached when ${barred}; no webhooks until people are asked\n`,
  );
  const killed: string[] = [];
  const reached = async (step: Step): Promise<void> => {
    if (step === barred) await useUp(as("agents.apollo.github"), where);
    for (const agent of ["athena", "apollo"] as const) {
      if (kills[agent] !== step) continue;
      await kill(agent);
      killed.push(`${agent}: ${step}`);
    }
  };
  const until = async <T>(step: Step, look: () => Promise<T | undefined>): Promise<T> => {
    const found = await eventually(step, look, 600_000, 200);
    await reached(step);
    return found;
  };

  const hooks = (await person.repos.listWebhooks(where)).data;
  const webhooks = (active: boolean) =>
    Promise.all(hooks.map(({ id }) => person.repos.updateWebhook({ ...where, hook_id: id, active })));
  if (hooks.length === 0) throw new Error("the team has no webhooks that could be away");
  await webhooks(false);
  const before = (await person.issues.listForRepo({ ...where, state: "all" })).data[0]!.number;
  const thread = await mara.post(`@athena please open an issue: stand the storm ${seed}`);
  const { number: issue } = await until("the issue is open", async () =>
    (await person.issues.listForRepo({ ...where, state: "all" })).data.find(({ number }) => number > before),
  );
  const branch = `olympus/issue-${issue}`;
  await until("the branch is made", async () =>
    (await person.git.listMatchingRefs({ ...where, ref: `heads/${branch}` })).data.at(0),
  );
  const ofBranch = async () => (await person.pulls.list({ ...where, state: "all", head: `${owner}:${branch}` })).data;
  const { number: pull, head } = await until("the pull request is open", async () => (await ofBranch()).at(0));
  const lenses = async () => (await person.repos.getCombinedStatusForRef({ ...where, ref: head.sha })).data.statuses;
  await until("a review is asked for", async () => (await lenses()).at(0));
  await until("the review is there", async () => (await lenses()).find(({ state }) => state === "success"));
  const says = (start: RegExp) => async () => (await mara.thread(thread)).find((text) => start.test(text));
  await until("people are asked", says(/waits for an approval/));
  await webhooks(true);
  await person.pulls.createReview({ ...where, pull_number: pull, event: "APPROVE", commit_id: head.sha });
  await eventually("the merge to be told of", says(/^Merged /), 600_000);
  // Whoever was killed at its last step would say it twice before it answers anew.
  for (const name of ["athena", "apollo"]) {
    const again = await mara.post(`@${name} !status`);
    await eventually(`${name} to answer again`, async () => (await mara.thread(again))[1], 600_000);
  }
  const { data: reviews } = await person.pulls.listReviews({ ...where, pull_number: pull });
  return {
    told: await mara.thread(thread),
    issue,
    pull,
    reviewers: reviews.map(({ user }) => user!.login).sort(),
    pulls: (await ofBranch()).length,
    killed,
  };
}

/** Makes as much as the forge takes of this account in a minute, where it disturbs nobody: statuses of the first commit. */
async function useUp(account: Octokit, where: { owner: string; repo: string }): Promise<void> {
  const { data: commits } = await account.repos.listCommits({ ...where, per_page: 100 });
  const sha = commits.at(-1)!.sha;
  // Side by side: one after the other they take a slow machine more than the minute.
  const make = () => account.repos.createCommitStatus({ ...where, sha, context: "storm", state: "pending" });
  const made = await Promise.allSettled(Array.from({ length: contentMinute + 1 }, make));
  const refused = made.flatMap((one) => (one.status === "rejected" ? [one.reason as { status?: number }] : []));
  const other = refused.find(({ status }) => status !== 403);
  if (other !== undefined) throw other;
  if (refused.length > 0) return;
  throw new Error(`the forge took more than ${contentMinute} statuses within a minute`);
}
