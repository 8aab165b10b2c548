/** Pull requests, reviews, checks, protection, merges and git itself on the rehearsal forge. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refusal, type TriedForge, tryForge } from "../support/forge.ts";

const app = { owner: "zeus", repo: "app" };
let tried: TriedForge;
let work: string;
beforeAll(async () => {
  tried = await tryForge();
  work = mkdtempSync(join(tmpdir(), "olympus-clone-"));
});
afterAll(async () => {
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
  rmSync(work, { recursive: true });
});

const remote = (token: string, name = "zeus/app"): string =>
  `${tried.forge.url.replace("//", `//x:${token}@`)}/${name}.git`;
const identity = ["-c", "user.name=Athena", "-c", "user.email=2+athena@users.noreply.rehearsal.invalid"];

/** Git in the clone; the forge runs in this process, so git must not hold it up. */
async function git(...args: string[]): Promise<{ code: number; text: string }> {
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    const env = {
      PATH: process.env.PATH ?? "",
      HOME: work,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      LANG: "C.UTF-8",
    };
    execFile("git", [...identity, ...args], { cwd: join(work, "app"), env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), text: stdout + stderr }),
    );
  });
}

const change = async (branch: string, file: string, content: string, from = "origin/main"): Promise<void> => {
  await git("fetch", "--quiet");
  await git("checkout", "--quiet", "-B", branch, from);
  writeFileSync(join(work, "app", file), content);
  await git("add", "--all");
  expect((await git("commit", "--quiet", "--message", `Change ${file}`)).code).toBe(0);
};

test("git clones with a token, pushes a branch, and is refused what the token may not do", async () => {
  execFileSync("mkdir", [join(work, "app")]);
  expect(await git("clone", "--quiet", remote("token-of-athena"), ".")).toEqual({ code: 0, text: "" });
  await change("olympus/issue-1", "README.md", "# app\n\none\n2\nthree\nfour\n");
  expect((await git("push", "--quiet", "origin", "olympus/issue-1")).code).toBe(0);
  expect((await git("push", remote("reviewer"), "HEAD:refs/heads/other")).text).toContain("403");
  expect((await git("push", remote("token-of-stranger"), "HEAD:refs/heads/other")).code).not.toBe(0);
  expect((await git("push", "origin", "HEAD:refs/pull/1/head")).text).toContain("hidden ref");
  expect((await git("ls-remote", remote("token-of-stranger", "zeus/secret"))).code).not.toBe(0);
});

test("a pull request, and the refusals of a second one and of an empty one", async () => {
  const athena = tried.as("token-of-athena");
  const wish = { ...app, head: "olympus/issue-1", base: "main", title: "Change the page", body: "Fixes #1" };
  const { data: pull } = await athena.pulls.create(wish);
  expect(pull).toMatchObject({
    number: 1,
    additions: 2,
    deletions: 1,
    changed_files: 1,
    commits: 1,
    mergeable: true,
    draft: false,
  });
  expect((await refusal(athena.pulls.create(wish))).errors).toMatchObject([
    { message: "A pull request already exists for zeus:olympus/issue-1." },
  ]);
  expect((await refusal(athena.pulls.create({ ...wish, head: "nowhere" }))).errors).toMatchObject([
    { field: "head", code: "invalid" },
  ]);
  const sha = (await athena.git.getRef({ ...app, ref: "heads/main" })).data.object.sha;
  await athena.git.createRef({ ...app, ref: "refs/heads/empty", sha });
  expect((await refusal(athena.pulls.create({ ...wish, head: "empty" }))).errors).toMatchObject([
    { message: expect.stringContaining("No commits between") as string },
  ]);
  const { data: files } = await athena.pulls.listFiles({ ...app, pull_number: 1 });
  expect(files).toMatchObject([
    { filename: "README.md", status: "modified", patch: expect.stringContaining("+2\n") as string },
  ]);
  expect((await athena.pulls.listCommits({ ...app, pull_number: 1 })).data).toMatchObject([
    { author: { login: "athena" } },
  ]);
  expect((await athena.pulls.list({ ...app, head: "zeus:olympus/issue-1" })).data).toHaveLength(1);
});

test("C8, C10: reviews, with remarks on the diff only, and nobody approves his own", async () => {
  const [athena, apollo] = [tried.as("token-of-athena"), tried.as("reviewer")];
  const at = { ...app, pull_number: 1 };
  const own = await refusal(athena.pulls.createReview({ ...at, event: "APPROVE" }));
  expect(own).toMatchObject({ status: 422, errors: ["Review Can not approve your own pull request"] });
  const outside = {
    ...at,
    event: "COMMENT" as const,
    body: "b",
    comments: [{ path: "README.md", line: 99, side: "RIGHT", body: "x" }],
  };
  expect(await refusal(apollo.pulls.createReview(outside))).toMatchObject({
    status: 422,
    errors: ["Line could not be resolved"],
  });
  const elsewhere = { ...outside, comments: [{ path: "src/main.js", line: 1, side: "RIGHT", body: "x" }] };
  expect((await refusal(apollo.pulls.createReview(elsewhere))).errors).toEqual(["Path could not be resolved"]);
  await tried.as("token-of-zeus").pulls.requestReviewers({ ...at, reviewers: ["apollo"] });
  expect((await apollo.pulls.listRequestedReviewers(at)).data.users).toMatchObject([{ login: "apollo" }]);
  const inside = { ...outside, comments: [{ path: "README.md", line: 4, side: "RIGHT", body: "why 2?" }] };
  const { data: review } = await apollo.pulls.createReview(inside);
  expect(review).toMatchObject({ state: "COMMENTED", user: { login: "apollo" } });
  expect((await apollo.pulls.listRequestedReviewers(at)).data.users).toEqual([]);
  const { data: remarks } = await apollo.pulls.listReviewComments(at);
  expect(remarks).toMatchObject([{ path: "README.md", line: 4, position: 5, body: "why 2?" }]);
  const { data: reply } = await athena.pulls.createReplyForReviewComment({
    ...at,
    comment_id: remarks[0]!.id,
    body: "because",
  });
  expect(reply.in_reply_to_id).toBe(remarks[0]!.id);
  expect((await apollo.pulls.listReviews(at)).data).toHaveLength(2);
  const alone = { ...at, commit_id: review.commit_id!, path: "README.md", line: 50, body: "x" };
  expect((await refusal(apollo.pulls.createReviewComment(alone))).errors).toMatchObject([
    { field: "pull_request_review_thread.line" },
  ]);
});

test("statuses and check runs, combined", async () => {
  const [athena, apollo] = [tried.as("token-of-athena"), tried.as("reviewer")];
  const sha = (await athena.pulls.get({ ...app, pull_number: 1 })).data.head.sha;
  await apollo.repos.createCommitStatus({ ...app, sha, state: "pending", context: "olympus/ux" });
  await apollo.repos.createCommitStatus({ ...app, sha, state: "success", context: "olympus/ux", description: "fine" });
  expect((await athena.repos.getCombinedStatusForRef({ ...app, ref: sha })).data).toMatchObject({
    state: "success",
    total_count: 1,
  });
  const { data: run } = await athena.checks.create({ ...app, name: "test", head_sha: sha, status: "in_progress" });
  await athena.checks.update({
    ...app,
    check_run_id: run.id,
    conclusion: "success",
    output: { title: "t", summary: "s" },
  });
  expect((await athena.checks.listForRef({ ...app, ref: sha })).data.check_runs).toMatchObject([
    { name: "test", status: "completed", conclusion: "success" },
  ]);
});

test("C7, C13: a protected branch takes neither pushes nor unreviewed merges, and a push dismisses approvals", async () => {
  const [zeus, athena] = [tried.as("token-of-zeus"), tried.as("token-of-athena")];
  await zeus.repos.updateBranchProtection({
    ...app,
    branch: "main",
    required_status_checks: { strict: false, contexts: ["olympus/ux"] },
    enforce_admins: true,
    required_pull_request_reviews: { required_approving_review_count: 1, dismiss_stale_reviews: true },
    restrictions: null,
  });
  expect(
    (await zeus.repos.getBranchProtection({ ...app, branch: "main" })).data.required_pull_request_reviews
      ?.required_approving_review_count,
  ).toBe(1);
  expect((await athena.repos.getBranch({ ...app, branch: "main" })).data.protected).toBe(true);
  const before = (await athena.git.getRef({ ...app, ref: "heads/main" })).data.object.sha;
  expect((await git("push", "origin", "HEAD:main")).text).toContain("GH006");
  await git("commit", "--quiet", "--amend", "--message", "another");
  expect((await git("push", "--force", "origin", "HEAD~0:main")).text).toContain("GH006");
  expect((await git("push", "origin", ":main")).code).not.toBe(0);
  const sha = (await athena.pulls.get({ ...app, pull_number: 1 })).data.head.sha;
  expect(
    (await refusal(athena.git.updateRef({ ...app, ref: "heads/main", sha, force: true }))).status,
  ).toBeGreaterThanOrEqual(409);
  expect((await athena.git.getRef({ ...app, ref: "heads/main" })).data.object.sha).toBe(before);
  const merge = { ...app, pull_number: 1, sha };
  expect((await refusal(athena.pulls.merge(merge))).message).toContain("approving review is required");
  await zeus.pulls.createReview({ ...app, pull_number: 1, event: "APPROVE", commit_id: sha });
  await change("olympus/issue-1", "README.md", "# app\n\none\n2\nthree\nfour\nfive\n", "origin/olympus/issue-1");
  expect((await git("push", "--quiet", "origin", "olympus/issue-1")).code).toBe(0);
  expect((await refusal(athena.pulls.merge(merge))).status).toBe(409);
  expect((await athena.pulls.listReviews({ ...app, pull_number: 1 })).data.at(-1)?.state).toBe("DISMISSED");
  expect((await athena.pulls.listReviewComments({ ...app, pull_number: 1 })).data[0]?.position).toBeNull();
});

test("approved and checked at its head, it is merged, and the issue that it names is closed", async () => {
  const [zeus, athena] = [tried.as("token-of-zeus"), tried.as("token-of-athena")];
  const { data: issue } = await zeus.issues.create({ ...app, title: "Wanted" });
  await athena.pulls.update({ ...app, pull_number: 1, body: `Fixes #${issue.number}` });
  const sha = (await athena.pulls.get({ ...app, pull_number: 1 })).data.head.sha;
  await zeus.pulls.createReview({ ...app, pull_number: 1, event: "APPROVE", commit_id: sha });
  expect((await refusal(athena.pulls.merge({ ...app, pull_number: 1, sha }))).message).toContain("olympus/ux");
  await athena.repos.createCommitStatus({ ...app, sha, state: "success", context: "olympus/ux" });
  expect((await refusal(tried.as("reviewer").pulls.merge({ ...app, pull_number: 1, sha }))).status).toBe(403);
  const { data: merged } = await athena.pulls.merge({ ...app, pull_number: 1, sha, merge_method: "squash" });
  expect(merged.merged).toBe(true);
  expect((await athena.pulls.get({ ...app, pull_number: 1 })).data).toMatchObject({
    merged: true,
    merged_by: { login: "athena" },
    state: "closed",
  });
  expect((await athena.pulls.checkIfMerged({ ...app, pull_number: 1 })).status).toBe(204);
  expect((await athena.issues.get({ ...app, issue_number: issue.number })).data.state).toBe("closed");
  expect((await refusal(athena.pulls.merge({ ...app, pull_number: 1 }))).status).toBe(405);
});

test("C22: an outsider's fork, and a pull request from it", async () => {
  const stranger = tried.as("token-of-stranger");
  await stranger.repos.createFork(app);
  await change("theirs", "evil.sh", "echo\n");
  expect((await git("push", "--quiet", remote("token-of-stranger", "stranger/app"), "theirs")).code).toBe(0);
  const { data } = await stranger.pulls.create({ ...app, head: "stranger:theirs", base: "main", title: "Mine" });
  expect(data).toMatchObject({
    head: { repo: { fork: true }, label: "stranger:theirs" },
    author_association: "NONE",
    mergeable: true,
  });
  expect((await git("fetch", "--quiet", "origin", `refs/pull/${data.number}/head`)).code).toBe(0);
  expect((await refusal(stranger.pulls.merge({ ...app, pull_number: data.number }))).status).toBe(403);
});

test("every exchange fits GitHub's description", () => {
  expect(tried.exchanges.length).toBeGreaterThan(50);
  expect(tried.wrong).toEqual([]);
  expect(spawnSync("git", ["fsck", "--no-dangling"], { cwd: join(tried.dir, "git", "1.git") }).status).toBe(0);
});
