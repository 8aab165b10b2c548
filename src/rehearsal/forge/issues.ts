import { type Forge, findUser, issueByNumber, may, now, pullOf } from "./context.ts";
import { bounded, invalid, isObject, textOf, textsOf } from "./http.ts";
import { issueView, labelView } from "./issue-views.ts";
import { pullView } from "./pull-views.ts";
import type { IssueRow, LabelRow, RepoRow, UserRow } from "./rows.ts";
import { repoView, userView } from "./views.ts";

/** What is done to issues, and what the rest of the world is told of it. */
export function createIssue(
  forge: Forge,
  repo: RepoRow,
  user: UserRow,
  title: string,
  body: string | undefined,
): IssueRow {
  const { db } = forge;
  const at = now(forge);
  // Numbers are never given twice: an issue cannot be deleted.
  const number = db.count("SELECT coalesce(max(number), 0) + 1 AS n FROM issues WHERE repo_id = ?", repo.id);
  db.run(
    "INSERT INTO issues (repo_id, number, title, body, user_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    repo.id,
    number,
    title,
    body ?? null,
    user.id,
    at,
    at,
  );
  return issueByNumber(forge, repo, number);
}

export function touch(forge: Forge, issue: IssueRow): void {
  forge.db.run("UPDATE issues SET updated_at = ? WHERE id = ?", now(forge), issue.id);
}

/** Tells hooks that something happened to an issue or pull request. */
export function tell(
  forge: Forge,
  repo: RepoRow,
  issue: IssueRow,
  sender: UserRow,
  action: string,
  extra: object = {},
): void {
  const fresh = issueByNumber(forge, repo, issue.number);
  const repository = repoView(forge, repo);
  const pull = pullOf(forge, fresh);
  if (pull === undefined) {
    forge.emit(repo, "issues", { action, issue: issueView(forge, repo, fresh), ...extra, repository }, sender);
    return;
  }
  const payload = {
    action,
    number: issue.number,
    pull_request: pullView(forge, repo, fresh, pull),
    ...extra,
    repository,
  };
  forge.emit(repo, "pull_request", payload, sender);
}

interface Happened {
  readonly label?: LabelRow;
  readonly assignee?: UserRow;
  readonly commit?: string;
  /** More fields of the webhook's body. */
  readonly extra?: object;
  /** No webhook has this name. */
  readonly silent?: boolean;
}

/** Writes an event of an issue down and tells hooks. */
export function record(
  forge: Forge,
  repo: RepoRow,
  issue: IssueRow,
  user: UserRow,
  event: string,
  what: Happened = {},
): void {
  const { label, assignee, commit, extra, silent } = what;
  forge.db.run(
    "INSERT INTO events (repo_id, issue_id, user_id, event, commit_id, label, assignee_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    repo.id,
    issue.id,
    user.id,
    event,
    commit ?? null,
    label === undefined ? null : JSON.stringify({ name: label.name, color: label.color }),
    assignee?.id ?? null,
    now(forge),
  );
  touch(forge, issue);
  if (silent !== true) tell(forge, repo, issue, user, event, extra);
}

export function findLabel({ db }: Forge, repo: RepoRow, name: string): LabelRow | undefined {
  return db.get<LabelRow>("SELECT * FROM labels WHERE repo_id = ? AND name = ?", repo.id, name);
}

/** Puts labels on an issue; one that the repository does not have yet is made, as GitHub does. */
export function label(forge: Forge, repo: RepoRow, issue: IssueRow, user: UserRow, names: readonly string[]): void {
  for (const name of names) {
    if (name.trim() === "") throw invalid("Label", "name", "missing_field");
    if (findLabel(forge, repo, name) === undefined)
      forge.db.run("INSERT INTO labels (repo_id, name, color) VALUES (?, ?, 'ededed')", repo.id, name);
    const found = findLabel(forge, repo, name)!;
    const { changes } = forge.db.run("INSERT OR IGNORE INTO issue_labels VALUES (?, ?)", issue.id, found.id);
    if (changes > 0)
      record(forge, repo, issue, user, "labeled", { label: found, extra: { label: labelView(forge, repo, found) } });
  }
}

export function unlabel(forge: Forge, repo: RepoRow, issue: IssueRow, user: UserRow, name: string): boolean {
  const found = findLabel(forge, repo, name);
  if (found === undefined) return false;
  const { changes } = forge.db.run("DELETE FROM issue_labels WHERE issue_id = ? AND label_id = ?", issue.id, found.id);
  if (changes > 0)
    record(forge, repo, issue, user, "unlabeled", { label: found, extra: { label: labelView(forge, repo, found) } });
  return changes > 0;
}

/** At most ten; whoever cannot be assigned is left out without a word. */
export function assign(forge: Forge, repo: RepoRow, issue: IssueRow, user: UserRow, logins: readonly string[]): void {
  for (const login of logins) {
    const assignee = findUser(forge, login);
    const full = forge.db.count("SELECT count(*) AS n FROM assignees WHERE issue_id = ?", issue.id) >= 10;
    if (assignee === undefined || full || !may(forge, repo, assignee, "triage")) continue;
    const { changes } = forge.db.run("INSERT OR IGNORE INTO assignees VALUES (?, ?)", issue.id, assignee.id);
    if (changes > 0)
      record(forge, repo, issue, user, "assigned", { assignee, extra: { assignee: userView(forge, assignee) } });
  }
}

/** Closes or opens again. Says whether anything changed. */
export function setState(
  forge: Forge,
  repo: RepoRow,
  issue: IssueRow,
  user: UserRow,
  state: string,
  reason?: string,
): boolean {
  if (state !== "open" && state !== "closed") throw invalid("Issue", "state");
  if (state === issue.state) return false;
  const closed = state === "closed";
  const why = closed ? (reason ?? (pullOf(forge, issue) === undefined ? "completed" : null)) : null;
  forge.db.run(
    "UPDATE issues SET state = ?, state_reason = ?, closed_at = ?, closed_by = ? WHERE id = ?",
    state,
    why ?? null,
    closed ? now(forge) : null,
    closed ? user.id : null,
    issue.id,
  );
  record(forge, repo, issue, user, closed ? "closed" : "reopened");
  return true;
}

/** PATCH of an issue: only what the body names. */
export function changeIssue(
  forge: Forge,
  repo: RepoRow,
  issue: IssueRow,
  user: UserRow,
  body: Readonly<Record<string, unknown>>,
): void {
  const title = textOf(body, "title") ?? issue.title;
  if (title.trim() === "") throw invalid("Issue", "title", "missing_field");
  const text = body.body === undefined ? issue.body : (textOf(body, "body") ?? null);
  if (title !== issue.title || text !== issue.body) {
    const kept = text === null ? null : bounded("Issue", "body", text);
    forge.db.run(
      "UPDATE issues SET title = ?, body = ? WHERE id = ?",
      bounded("Issue", "title", title),
      kept,
      issue.id,
    );
    const changes = {
      ...(title === issue.title ? {} : { title: { from: issue.title } }),
      ...(text === issue.body ? {} : { body: { from: issue.body ?? "" } }),
    };
    touch(forge, issue);
    tell(forge, repo, issue, user, "edited", { changes });
  }
  if (body.labels !== undefined && may(forge, repo, user, "triage")) {
    const wanted = textsOf(body, "labels") ?? [];
    for (const { name } of issueView(forge, repo, issue).labels)
      if (!wanted.some((one) => one.toLowerCase() === name.toLowerCase())) unlabel(forge, repo, issue, user, name);
    label(forge, repo, issue, user, wanted);
  }
  if (body.assignees !== undefined && may(forge, repo, user, "triage")) {
    const wanted = textsOf(body, "assignees") ?? [];
    for (const { login, id } of issueView(forge, repo, issue).assignees) {
      if (wanted.some((one) => one.toLowerCase() === login.toLowerCase())) continue;
      forge.db.run("DELETE FROM assignees WHERE issue_id = ? AND user_id = ?", issue.id, id);
      const assignee = findUser(forge, login)!;
      record(forge, repo, issue, user, "unassigned", { assignee, extra: { assignee: userView(forge, assignee) } });
    }
    assign(forge, repo, issue, user, wanted);
  }
  const state = textOf(body, "state");
  if (state !== undefined) setState(forge, repo, issue, user, state, textOf(body, "state_reason"));
  if (isObject(body.milestone)) throw invalid("Issue", "milestone");
}
