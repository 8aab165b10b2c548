/** What the harness asks of a forge, one after the other in a scratch repository: the same on the rehearsal forge and on GitHub. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Octokit } from "@octokit/rest";
import { expect } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { github } from "../../src/harness/forge/github.ts";
import { silentLog } from "../../src/harness/log.ts";
import { openStore } from "../../src/harness/store/open.ts";

export interface Journey {
  /** The API's root, without a trailing slash. */
  readonly api: string;
  /** May write contents, issues, pull requests and statuses of the repository, whose default branch is not protected. */
  readonly token: string;
  /** `owner/name`, with a README.md. */
  readonly repo: string;
  /** GitHub wants a second between requests that make something. */
  readonly spaced: boolean;
}

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** From an issue to a merge. What it makes has a name of its own; branch and issue are gone, or closed, at its end. */
export async function forgeJourney({ api, token, repo, spaced }: Journey): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "olympus-journey-"));
  const store = openStore(dir);
  const forge = github({ api, token: new Secret("token", token), store, clock: Date, log: silentLog, spaced });
  const raw = new Octokit({ auth: token, baseUrl: api, log: quiet });
  const [owner, name] = repo.split("/") as [string, string];
  const mark = `olympus-journey-${randomBytes(4).toString("hex")}`;
  try {
    const { login } = await forge.account();
    const { defaultBranch } = await forge.repo(repo);
    const base = (await forge.branch(repo, defaultBranch))!;
    const began = Date.now() - 60_000;

    const { number } = await forge.createIssue(repo, {
      title: mark,
      body: `Of a test: ${mark}`,
      labels: [],
      assignees: [],
    });
    await forge.addLabels(repo, number, [mark]);
    await forge.assign(repo, number, [login]);
    const said = await forge.comment(repo, number, "first");
    await forge.editComment(repo, said.id, "second");
    expect((await forge.comments(repo, number)).map(({ body, author }) => [body, author.login])).toEqual([
      ["second", login],
    ]);
    expect((await forge.events(repo, number)).map(({ kind, subject, actor }) => [kind, subject, actor.login])).toEqual(
      expect.arrayContaining([
        ["labeled", mark, login],
        ["assigned", login, login],
      ]),
    );
    expect(await forge.issue(repo, number)).toMatchObject({
      title: mark,
      open: true,
      assignees: [login],
      labels: [mark],
    });
    const seen = await forge.changed(repo, began, true);
    expect(seen?.map((issue) => issue.number)).toContain(number);

    // Whoever makes the branch has the claim; the second one is told so.
    expect(await forge.createBranch(repo, mark, base)).toBe(true);
    expect(await forge.createBranch(repo, mark, base)).toBe(false);
    const content = Buffer.from(`${mark}\n`).toString("base64");
    const path = `${mark}.txt`;
    const made = await raw.repos.createOrUpdateFileContents({
      owner,
      repo: name,
      path,
      branch: mark,
      content,
      message: mark,
    });
    const head = made.data.commit.sha!;
    const wish = { title: mark, body: `Closes #${number}.`, head: mark, base: defaultBranch, draft: false };
    const pull = await forge.openPull(repo, wish);
    expect((await forge.openPull(repo, wish)).number).toBe(pull.number);
    expect((await forge.files(repo, pull.number)).map((file) => [file.path, file.status])).toEqual([[path, "added"]]);
    expect((await forge.compare(repo, base, head))?.map((file) => file.path)).toEqual([path]);

    await forge.setStatus(repo, head, { context: mark, state: "success", description: "looked at", url: pull.url });
    expect(await forge.statuses(repo, head)).toMatchObject([{ context: mark, state: "success" }]);
    expect(await forge.checks(repo, head)).toEqual([]);
    const review = { sha: head, verdict: "comment" as const, body: "Looked at." };
    const outside = { ...review, comments: [{ path: "README.md", line: 1, body: "outside of the diff" }] };
    await expect(forge.submitReview(repo, pull.number, outside)).rejects.toMatchObject({ kind: "refused" });
    await forge.submitReview(repo, pull.number, { ...review, comments: [{ path, line: 1, body: "here" }] });
    expect((await forge.reviews(repo, pull.number)).map(({ state, sha }) => [state, sha])).toEqual([
      ["commented", head],
    ]);
    expect((await forge.reviewComments(repo, pull.number)).map(({ line, body }) => [line, body])).toEqual([
      [1, "here"],
    ]);

    await expect(forge.merge(repo, pull.number, base, mark)).rejects.toMatchObject({ kind: "refused" });
    const merged = await forge.merge(repo, pull.number, head, `${mark} (#${pull.number})`);
    expect(await forge.pull(repo, pull.number)).toMatchObject({ state: "merged", mergedSha: merged });
    expect(await forge.branch(repo, defaultBranch)).toBe(merged);
  } finally {
    // Whatever broke off: nothing of it stays open.
    await forge.deleteBranch(repo, mark);
    for (const issue of await forge.issuesLabelled(repo, mark)) await forge.closeIssue(repo, issue.number);
    store.close();
    rmSync(dir, { recursive: true });
  }
}
