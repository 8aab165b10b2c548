import { actor, type Call, now, pullOf, roleOf } from "./context.ts";
import { ok, Refusal, type Reply, textOf } from "./http.ts";
import { record } from "./issues.ts";
import { blockedBy, rulesOf } from "./protection.ts";
import { syncRefs } from "./refs.ts";
import type { IssueRow, RepoRow } from "./rows.ts";

/**
 * Merges a pull request as the request wants it (`merge_method`: merge or squash; `sha`: only at this head). 405 where it is closed,
 * conflicts, or rules of the base do not let it in; 409 where the head has moved. Within `forge.alone`.
 */
export async function mergePull(call: Call, repo: RepoRow, issue: IssueRow): Promise<Reply> {
  const { forge, body } = call;
  const user = actor(call);
  const pull = pullOf(forge, issue)!;
  const method = textOf(body, "merge_method") ?? "merge";
  const refused = (message: string) => new Refusal(405, message);
  if (pull.merged_at !== null || issue.state === "closed" || pull.draft === 1)
    throw refused("Pull Request is not mergeable");
  if (!["merge", "squash", "rebase"].includes(method))
    throw new Refusal(422, `Invalid request.\n\n${method} is not a member of ["merge", "squash", "rebase"].`);
  if (method === "rebase") throw refused("Rebase merges are not allowed on this repository.");
  const sha = textOf(body, "sha");
  if (sha !== undefined && sha !== pull.head_sha)
    throw new Refusal(409, "Head branch was modified. Review and try the merge again.");
  const rules = rulesOf(forge, repo, pull.base_ref);
  const bypass = roleOf(forge, repo, user) === "admin" && rules?.admins === false;
  const blocked = bypass ? undefined : blockedBy(forge, repo, issue, pull);
  if (blocked !== undefined) throw refused(blocked);
  const base = await forge.git.resolve(repo.id, `refs/heads/${pull.base_ref}`);
  if (base === undefined) throw refused("Pull Request is not mergeable");
  if (rules?.strict === true && !bypass && !(await forge.git.isAncestor(repo.id, base, pull.head_sha)))
    throw refused("The head branch is not up to date with the base branch.");
  const tree = await forge.git.mergedTree(repo.id, base, pull.head_sha);
  if (tree === undefined) throw refused("Pull Request is not mergeable");

  const squash = method === "squash";
  const fallback = squash
    ? `${issue.title} (#${issue.number})`
    : `Merge pull request #${issue.number} from ${repo.owner}/${pull.head_ref}`;
  const title = textOf(body, "commit_title") ?? fallback;
  const message = textOf(body, "commit_message") ?? (squash ? "" : issue.title);
  const author = { name: user.name ?? user.login, email: `${user.id}+${user.login}@users.noreply.rehearsal.invalid` };
  const parents = squash ? [base] : [base, pull.head_sha];
  const commit = await forge.git.commit(
    repo.id,
    tree,
    parents,
    `${title}\n${message === "" ? "" : `\n${message}\n`}`,
    author,
  );
  if (!(await forge.git.moveRef(repo.id, `refs/heads/${pull.base_ref}`, commit, base)))
    throw new Refusal(409, "Base branch was modified. Review and try the merge again.");
  forge.db.transaction(() => {
    const at = now(forge);
    forge.db.run(
      "UPDATE pulls SET merged_at = ?, merged_by = ?, merge_sha = ?, base_sha = ? WHERE issue_id = ?",
      at,
      user.id,
      commit,
      base,
      issue.id,
    );
    forge.db.run(
      "UPDATE issues SET state = 'closed', closed_at = ?, closed_by = ? WHERE id = ?",
      at,
      user.id,
      issue.id,
    );
    record(forge, repo, issue, user, "merged", { commit, silent: true });
    record(forge, repo, issue, user, "closed");
    closeNamed(call, repo, issue);
  });
  await syncRefs(forge, repo.id, user);
  return ok({ sha: commit, merged: true, message: "Pull Request successfully merged" });
}

/** "Fixes #3" in what was merged into the default branch closes issue 3. */
function closeNamed(call: Call, repo: RepoRow, issue: IssueRow): void {
  const { forge } = call;
  if (pullOf(forge, issue)?.base_ref !== repo.default_branch) return;
  for (const [, number] of (issue.body ?? "").matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? #(\d+)\b/gi)) {
    const named = forge.db.get<IssueRow>(
      "SELECT * FROM issues WHERE repo_id = ? AND number = ? AND state = 'open'",
      repo.id,
      Number(number),
    );
    if (named === undefined || pullOf(forge, named) !== undefined) continue;
    const at = now(forge);
    forge.db.run(
      "UPDATE issues SET state = 'closed', state_reason = 'completed', closed_at = ?, closed_by = ? WHERE id = ?",
      at,
      actor(call).id,
      named.id,
    );
    record(forge, repo, named, actor(call), "closed");
  }
}
