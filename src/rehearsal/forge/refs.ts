import { type Forge, issueByNumber, now, repoById } from "./context.ts";
import { noCommit } from "./git.ts";
import { setState, tell } from "./issues.ts";
import type { IssueRow, PullRow, RepoRow, UserRow } from "./rows.ts";
import { nodeId, repoPage, repoUrl, repoView, userView } from "./views.ts";

/**
 * Brings the records in line with what git has, and tells hooks what moved: after every push, merge and change by API, and at start for
 * what a killed forge had not told yet. Call it within `forge.alone(repo.id, …)`.
 */
export async function syncRefs(forge: Forge, repoId: number, sender: UserRow): Promise<void> {
  const repo = repoById(forge, repoId);
  const actual = await forge.git.refs(repo.id, "refs/heads", "refs/tags");
  const known = new Map(
    forge.db
      .all<{ name: string; sha: string }>("SELECT name, sha FROM refs WHERE repo_id = ?", repo.id)
      .map(({ name, sha }) => [name, sha]),
  );
  for (const name of new Set([...known.keys(), ...actual.keys()])) {
    const before = known.get(name) ?? noCommit;
    const after = actual.get(name) ?? noCommit;
    if (before !== after) await moved(forge, repo, name, before, after, sender);
  }
}

async function moved(
  forge: Forge,
  repo: RepoRow,
  ref: string,
  before: string,
  after: string,
  sender: UserRow,
): Promise<void> {
  const branch = ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
  const gone = after === noCommit;
  const forced = before !== noCommit && !gone && !(await forge.git.isAncestor(repo.id, before, after));
  const pulls = branch === undefined ? [] : openPulls(forge, "head_repo_id = ? AND head_ref = ?", repo.id, branch);
  for (const { issue } of pulls) if (!gone) await fetchHead(forge, repo, issue, after);
  const moving = await Promise.all(
    pulls.map(async (one) => ({ ...one, stale: gone ? [] : await staleComments(forge, one, after) })),
  );
  const payload = await pushPayload(forge, repo, ref, before, after, forced, sender);
  forge.db.transaction(() => {
    if (gone) forge.db.run("DELETE FROM refs WHERE repo_id = ? AND name = ?", repo.id, ref);
    else
      forge.db.run(
        "INSERT INTO refs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sha = excluded.sha",
        repo.id,
        ref,
        after,
      );
    forge.db.run("UPDATE repos SET pushed_at = ?, updated_at = ? WHERE id = ?", now(forge), now(forge), repo.id);
    if (before === noCommit || gone) {
      const kind = { ref: branch ?? ref.replace("refs/tags/", ""), ref_type: branch === undefined ? "tag" : "branch" };
      const more = gone ? {} : { master_branch: repo.default_branch, description: repo.description };
      forge.emit(
        repo,
        gone ? "delete" : "create",
        { ...kind, ...more, pusher_type: "user", repository: repoView(forge, repo) },
        sender,
      );
    }
    forge.emit(repo, "push", payload, sender);
    for (const { issue, base, stale } of moving) {
      if (gone) {
        setState(forge, base, issue, sender, "closed");
        continue;
      }
      forge.db.run("UPDATE pulls SET head_sha = ? WHERE issue_id = ?", after, issue.id);
      forge.db.run("UPDATE issues SET updated_at = ? WHERE id = ?", now(forge), issue.id);
      for (const id of stale) forge.db.run("UPDATE review_comments SET outdated = 1 WHERE id = ?", id);
      dismissStale(forge, base, issue);
      tell(forge, base, issue, sender, "synchronize", { before, after });
    }
    if (branch === undefined || gone) return;
    for (const { issue } of openPulls(forge, "repo_id = ? AND base_ref = ?", repo.id, branch))
      forge.db.run("UPDATE pulls SET base_sha = ? WHERE issue_id = ?", after, issue.id);
  });
}

interface OpenPull {
  readonly issue: IssueRow;
  readonly pull: PullRow;
  readonly base: RepoRow;
}

function openPulls(forge: Forge, where: string, repo: number, branch: string): OpenPull[] {
  const rows = forge.db.all<PullRow & { repo_id: number; number: number }>(
    `SELECT pulls.*, repo_id, number FROM pulls JOIN issues ON issues.id = issue_id WHERE state = 'open' AND ${where}`,
    repo,
    branch,
  );
  return rows.map((pull) => {
    const base = repoById(forge, pull.repo_id);
    return { pull, base, issue: issueByNumber(forge, base, pull.number) };
  });
}

/** A pull request's commits live in the repository that it is for, also when they come from a fork. */
export async function fetchHead(forge: Forge, from: RepoRow, issue: IssueRow, sha: string): Promise<void> {
  const ref = `refs/pull/${issue.number}/head`;
  if (from.id !== issue.repo_id)
    await forge.git.run(issue.repo_id, ["fetch", "--quiet", "--no-tags", forge.git.folder(from.id), sha]);
  await forge.git.run(issue.repo_id, ["update-ref", ref, sha]);
}

/** Remarks on lines of files that the new commits touch. */
async function staleComments(forge: Forge, { issue, pull }: OpenPull, after: string): Promise<number[]> {
  const rows = forge.db.all<{ id: number; path: string }>(
    "SELECT id, path FROM review_comments WHERE issue_id = ? AND outdated = 0",
    issue.id,
  );
  if (rows.length === 0) return [];
  const names = await forge.git.run(issue.repo_id, ["diff", "--name-only", "-z", pull.head_sha, after]);
  const touched = new Set(names.split("\0"));
  return rows.filter(({ path }) => touched.has(path)).map(({ id }) => id);
}

function dismissStale(forge: Forge, repo: RepoRow, issue: IssueRow): void {
  const row = forge.db.get<{ rules: string }>(
    "SELECT rules FROM protections JOIN pulls ON branch = base_ref WHERE repo_id = ? AND issue_id = ?",
    repo.id,
    issue.id,
  );
  if (row === undefined || (JSON.parse(row.rules) as { dismissStale: boolean }).dismissStale !== true) return;
  forge.db.run("UPDATE reviews SET state = 'DISMISSED' WHERE issue_id = ? AND state = 'APPROVED'", issue.id);
}

async function pushPayload(
  forge: Forge,
  repo: RepoRow,
  ref: string,
  before: string,
  after: string,
  forced: boolean,
  sender: UserRow,
): Promise<Record<string, unknown>> {
  const range = before === noCommit || forced ? [after, "-1"] : [`${before}..${after}`, "-20"];
  const commits = after === noCommit ? [] : await pushCommits(forge, repo, range);
  const email = `${sender.id}+${sender.login}@users.noreply.rehearsal.invalid`;
  const { owner, ...view } = repoView(forge, repo);
  const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);
  return {
    ref,
    before,
    after,
    // A push alone tells times as seconds.
    repository: {
      ...view,
      owner: { ...owner, name: repo.owner, email: null },
      created_at: seconds(repo.created_at),
      pushed_at: seconds(now(forge)),
    },
    pusher: { name: sender.login, email },
    created: before === noCommit,
    deleted: after === noCommit,
    forced,
    base_ref: null,
    compare: `${repoPage(forge, repo)}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits,
    head_commit: commits.at(-1) ?? null,
    sender: userView(forge, sender),
  };
}

async function pushCommits(forge: Forge, repo: RepoRow, range: readonly string[]) {
  const text = await forge.git.run(repo.id, [
    "log",
    "--reverse",
    "--format=%H%x00%T%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B%x01",
    ...range,
    "--",
  ]);
  return text
    .split("\x01")
    .map((entry) => entry.trimStart().split("\0"))
    .filter((fields) => fields.length === 8)
    .map(([id, tree, an, ae, cn, ce, date, message]) => ({
      id: id!,
      tree_id: tree!,
      distinct: true,
      message: message!.trimEnd(),
      timestamp: date!,
      url: `${repoPage(forge, repo)}/commit/${id}`,
      author: { name: an!, email: ae!, username: an! },
      committer: { name: cn!, email: ce!, username: cn! },
      added: [],
      removed: [],
      modified: [],
    }));
}

export function refView(forge: Forge, repo: RepoRow, ref: string, sha: string, type = "commit") {
  const url = `${repoUrl(forge, repo)}/git`;
  return {
    ref,
    node_id: nodeId("Ref", `${repo.id}:${ref}`),
    url: `${url}/${ref}`,
    object: { sha, type, url: `${url}/${type === "tag" ? "tags" : "commits"}/${sha}` },
  };
}
