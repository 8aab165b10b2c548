import {
  actor,
  type Call,
  type Forge,
  findUser,
  issueByNumber,
  issueOf,
  may,
  now,
  type Route,
  repoOf,
} from "./context.ts";
import { bounded, invalid, notFound, nothing, ok, textOf, textsOf } from "./http.ts";
import { assigneesOf, commentView, type EventRow, eventView, issueView, labelsOf } from "./issue-views.ts";
import { assign, changeIssue, createIssue, label, record, touch } from "./issues.ts";
import type { CommentRow, IssueRow, RepoRow } from "./rows.ts";
import { repoView, userView } from "./views.ts";

/** Issues, their comments and events. A pull request is an issue too. */
const list = ({ forge, query, ...call }: Call, repo: RepoRow): IssueRow[] => {
  const state = query.get("state") ?? "open";
  const since = query.get("since") ?? "";
  const sort =
    query.get("sort") === "updated" ? "updated_at" : query.get("sort") === "comments" ? "number" : "created_at";
  const way = query.get("direction") === "asc" ? "ASC" : "DESC";
  const rows = forge.db.all<IssueRow>(
    `SELECT * FROM issues WHERE repo_id = ? AND (? = 'all' OR state = ?) AND updated_at >= ? ORDER BY ${sort} ${way}, number ${way}`,
    repo.id,
    state,
    state,
    since,
  );
  const labels = query.get("labels")?.split(",").filter(Boolean) ?? [];
  const assignee = query.get("assignee");
  const creator = query.get("creator");
  return rows.filter((issue) => {
    const has = labelsOf(forge, repo, issue).map(({ name }) => name.toLowerCase());
    if (!labels.every((name) => has.includes(name.toLowerCase()))) return false;
    if (creator !== null && findUser(forge, creator)?.id !== issue.user_id) return false;
    if (assignee === null || call.params.any === "1") return true;
    const logins = assigneesOf(forge, issue).map(({ login }) => login.toLowerCase());
    return assignee === "none"
      ? logins.length === 0
      : assignee === "*"
        ? logins.length > 0
        : logins.includes(assignee.toLowerCase());
  });
};

const commentOf = ({ forge, params }: Call, repo: RepoRow): { comment: CommentRow; issue: IssueRow } => {
  const comment = forge.db.get<CommentRow>("SELECT * FROM comments WHERE id = ?", Number(params.comment_id));
  const issue =
    comment && forge.db.get<IssueRow>("SELECT * FROM issues WHERE id = ? AND repo_id = ?", comment.issue_id, repo.id);
  if (comment === undefined || issue === undefined) throw notFound();
  return { comment, issue };
};

/** Whether someone may change what another wrote. */
function ownOrWriter(call: Call, repo: RepoRow, author: number): void {
  if (call.user?.id !== author) repoOf(call, "push");
  else repoOf({ ...call, params: { ...call.params, owner: repo.owner, repo: repo.name } });
}

const commentEvent = (
  forge: Forge,
  repo: RepoRow,
  issue: IssueRow,
  comment: CommentRow,
  call: Call,
  action: string,
): void => {
  const payload = { issue: issueView(forge, repo, issue), comment: commentView(forge, repo, issue, comment) };
  const changes = action === "edited" ? { changes: {} } : {};
  forge.emit(repo, "issue_comment", { action, ...changes, ...payload, repository: repoView(forge, repo) }, actor(call));
};

export const issueRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      return ok(list(call, repo).map((issue) => issueView(call.forge, repo, issue)));
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/issues",
    token: "issues:write",
    handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call);
      const user = actor(call);
      const title = bounded("Issue", "title", String(textOf(body, "title", { resource: "Issue" })));
      const text = textOf(body, "body");
      // Who cannot triage files an issue all the same: what he may not set is left out without a word, as GitHub does.
      const trusted = may(forge, repo, user, "triage");
      const labels = trusted ? (textsOf(body, "labels") ?? []) : [];
      const assignees = trusted ? (textsOf(body, "assignees") ?? []) : [];
      for (const login of assignees) {
        const found = findUser(forge, login);
        if (found === undefined || !may(forge, repo, found, "triage")) throw invalid("Issue", "assignees");
      }
      const issue = forge.db.transaction(() => {
        const made = createIssue(forge, repo, user, title, text && bounded("Issue", "body", text));
        forge.emit(
          repo,
          "issues",
          { action: "opened", issue: issueView(forge, repo, made), repository: repoView(forge, repo) },
          user,
        );
        label(forge, repo, made, user, labels);
        assign(forge, repo, made, user, assignees);
        return made;
      });
      return ok(issueView(forge, repo, issueByNumber(forge, repo, issue.number)), 201);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/{issue_number}",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      return ok(issueView(call.forge, repo, issueOf(call, repo)));
    },
  },
  {
    method: "PATCH",
    path: "/repos/{owner}/{repo}/issues/{issue_number}",
    token: "issues:write",
    handle(call) {
      const repo = repoOf(call);
      const issue = issueOf(call, repo);
      ownOrWriter(call, repo, issue.user_id);
      call.forge.db.transaction(() => changeIssue(call.forge, repo, issue, actor(call), call.body));
      return ok(issueView(call.forge, repo, issueByNumber(call.forge, repo, issue.number)));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      const issue = issueOf(call, repo);
      const since = call.query.get("since") ?? "";
      const rows = call.forge.db.all<CommentRow>(
        "SELECT * FROM comments WHERE issue_id = ? AND updated_at >= ? ORDER BY id",
        issue.id,
        since,
      );
      return ok(rows.map((row) => commentView(call.forge, repo, issue, row)));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/comments",
    token: "issues:read",
    handle(call) {
      const { forge, query } = call;
      const repo = repoOf(call);
      const sort = query.get("sort") === "updated" ? "updated_at" : "id";
      const way = query.get("direction") === "desc" && query.has("sort") ? "DESC" : "ASC";
      const rows = forge.db.all<CommentRow & { number: number }>(
        `SELECT comments.*, number FROM comments JOIN issues ON issues.id = issue_id
         WHERE repo_id = ? AND comments.updated_at >= ? ORDER BY comments.${sort} ${way}, comments.id ${way}`,
        repo.id,
        query.get("since") ?? "",
      );
      return ok(rows.map((row) => commentView(forge, repo, issueByNumber(forge, repo, row.number), row)));
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    token: "issues:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const issue = issueOf(call, repo);
      const text = bounded("IssueComment", "body", String(textOf(call.body, "body", { resource: "IssueComment" })));
      const at = now(forge);
      const { id } = forge.db.run(
        "INSERT INTO comments (issue_id, user_id, body, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
        issue.id,
        actor(call).id,
        text,
        at,
        at,
      );
      touch(forge, issue);
      const comment = forge.db.get<CommentRow>("SELECT * FROM comments WHERE id = ?", id)!;
      commentEvent(forge, repo, issueByNumber(forge, repo, issue.number), comment, call, "created");
      return ok(commentView(forge, repo, issue, comment), 201);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      const { comment, issue } = commentOf(call, repo);
      return ok(commentView(call.forge, repo, issue, comment));
    },
  },
  {
    method: "PATCH",
    path: "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    token: "issues:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const { comment, issue } = commentOf(call, repo);
      ownOrWriter(call, repo, comment.user_id);
      const body = bounded("IssueComment", "body", String(textOf(call.body, "body", { resource: "IssueComment" })));
      forge.db.run("UPDATE comments SET body = ?, updated_at = ? WHERE id = ?", body, now(forge), comment.id);
      touch(forge, issue);
      const changed = commentOf(call, repo).comment;
      commentEvent(forge, repo, issue, changed, call, "edited");
      return ok(commentView(forge, repo, issue, changed));
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    token: "issues:write",
    handle(call) {
      const repo = repoOf(call);
      const { comment, issue } = commentOf(call, repo);
      ownOrWriter(call, repo, comment.user_id);
      call.forge.db.run("DELETE FROM comments WHERE id = ?", comment.id);
      commentEvent(call.forge, repo, issue, comment, call, "deleted");
      return nothing;
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/events",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      const issue = issueOf(call, repo);
      const rows = call.forge.db.all<EventRow>("SELECT * FROM events WHERE issue_id = ? ORDER BY id", issue.id);
      return ok(rows.map((row) => eventView(call.forge, repo, issue, row, false)));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/events",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      const rows = call.forge.db.all<EventRow & { number: number }>(
        "SELECT events.*, number FROM events JOIN issues ON issues.id = issue_id WHERE events.repo_id = ? ORDER BY events.id DESC",
        repo.id,
      );
      return ok(rows.map((row) => eventView(call.forge, repo, issueByNumber(call.forge, repo, row.number), row, true)));
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/assignees",
    token: "issues:write",
    handle(call) {
      const repo = repoOf(call, "triage");
      const issue = issueOf(call, repo);
      call.forge.db.transaction(() =>
        assign(call.forge, repo, issue, actor(call), textsOf(call.body, "assignees") ?? []),
      );
      return ok(issueView(call.forge, repo, issueByNumber(call.forge, repo, issue.number)), 201);
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/assignees",
    token: "issues:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call, "triage");
      const issue = issueOf(call, repo);
      for (const login of textsOf(call.body, "assignees") ?? []) {
        const user = findUser(forge, login);
        const { changes } = user
          ? forge.db.run("DELETE FROM assignees WHERE issue_id = ? AND user_id = ?", issue.id, user.id)
          : { changes: 0 };
        if (user === undefined || changes === 0) continue;
        record(forge, repo, issue, actor(call), "unassigned", {
          assignee: user,
          extra: { assignee: userView(forge, user) },
        });
      }
      return ok(issueView(forge, repo, issueByNumber(forge, repo, issue.number)));
    },
  },
];
