import { type Forge, may, userById } from "./context.ts";
import type { IssueRow, PullRow, RepoRow, ReviewRow } from "./rows.ts";

/** What protects a branch. */
export interface Rules {
  /** Approving reviews by people who may write; 0: none. Undefined: no pull request is needed. */
  readonly reviews?: number | undefined;
  readonly dismissStale: boolean;
  /** Contexts of statuses or names of check runs that must have passed. */
  readonly checks: readonly string[];
  readonly strict: boolean;
  /** Administrators are bound by the rules too. */
  readonly admins: boolean;
  readonly force: boolean;
  readonly deletion: boolean;
}

export function rulesOf({ db }: Forge, repo: RepoRow, branch: string): Rules | undefined {
  const row = db.get<{ rules: string }>(
    "SELECT rules FROM protections WHERE repo_id = ? AND branch = ?",
    repo.id,
    branch,
  );
  return row === undefined ? undefined : (JSON.parse(row.rules) as Rules);
}

/** The protected branches for the hook that sees pushes: see git.ts. Administrators pass where the rules do not bind them. */
export function protectedFor({ db }: Forge, repo: RepoRow, admin: boolean): string {
  return db
    .all<{ branch: string; rules: string }>("SELECT branch, rules FROM protections WHERE repo_id = ?", repo.id)
    .map(({ branch, rules: text }) => {
      const rules = JSON.parse(text) as Rules;
      const pulls = (rules.reviews !== undefined || rules.checks.length > 0) && !(admin && !rules.admins);
      return `refs/heads/${branch} ${Number(pulls)} ${Number(rules.force)} ${Number(rules.deletion)}`;
    })
    .join("\n");
}

/** Each reviewer's last verdict; remarks leave an earlier one standing. */
export function verdicts({ db }: Forge, issue: IssueRow): Map<number, ReviewRow> {
  const rows = db.all<ReviewRow>(
    "SELECT * FROM reviews WHERE issue_id = ? AND state NOT IN ('COMMENTED', 'PENDING') ORDER BY id",
    issue.id,
  );
  return new Map(rows.map((row) => [row.user_id, row]));
}

/** State of each status context and check run of a commit, the latest of each name. */
export function checksOf({ db }: Forge, repo: RepoRow, sha: string): Map<string, "success" | "failure" | "pending"> {
  const passed = new Map<string, "success" | "failure" | "pending">();
  for (const { context, state } of db.all<{ context: string; state: string }>(
    "SELECT context, state FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id",
    repo.id,
    sha,
  ))
    passed.set(context, state === "success" ? "success" : state === "pending" ? "pending" : "failure");
  for (const { name, status, conclusion } of db.all<{ name: string; status: string; conclusion: string | null }>(
    "SELECT name, status, conclusion FROM check_runs WHERE repo_id = ? AND sha = ? ORDER BY id",
    repo.id,
    sha,
  )) {
    const good = ["success", "neutral", "skipped"].includes(conclusion ?? "");
    passed.set(name, status !== "completed" ? "pending" : good ? "success" : "failure");
  }
  return passed;
}

/** Why the rules of the base branch do not let a pull request in, in GitHub's words; undefined: they do. */
export function blockedBy(forge: Forge, repo: RepoRow, issue: IssueRow, pull: PullRow): string | undefined {
  const rules = rulesOf(forge, repo, pull.base_ref);
  if (rules === undefined) return undefined;
  if (rules.reviews !== undefined && rules.reviews > 0) {
    const counting = [...verdicts(forge, issue).values()].filter(
      ({ user_id }) => user_id !== issue.user_id && may(forge, repo, userById(forge, user_id), "push"),
    );
    if (counting.some(({ state }) => state === "CHANGES_REQUESTED"))
      return "Changes must be addressed before this pull request can be merged: a reviewer requested changes.";
    const approvals = counting.filter(({ state }) => state === "APPROVED").length;
    if (approvals < rules.reviews) {
      const review = rules.reviews === 1 ? "review is" : "reviews are";
      return `At least ${rules.reviews} approving ${review} required by reviewers with write access.`;
    }
  }
  const checks = checksOf(forge, repo, pull.head_sha);
  for (const name of rules.checks) {
    const state = checks.get(name);
    if (state === undefined) return `Required status check "${name}" is expected.`;
    if (state === "pending") return `Required status check "${name}" is pending.`;
    if (state === "failure") return `Required status check "${name}" is failing.`;
  }
  return undefined;
}
