import { actor, type Call, type Forge, issueOf, now, type Permission, type Route, repoOf } from "./context.ts";
import { invalid, notFound, nothing, ok, textOf, textsOf } from "./http.ts";
import { labelsOf, labelView, type ReactionRow, reactionView } from "./issue-views.ts";
import { findLabel, label, unlabel } from "./issues.ts";
import type { IssueRow, LabelRow, RepoRow } from "./rows.ts";

/** Labels of repositories and issues, and reactions to what people write. */
const contents = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];

interface Subject {
  readonly kind: string;
  readonly path: string;
  readonly token: Permission;
  /** The id of what is reacted to, or 404. */
  readonly find: (call: Call, repo: RepoRow) => number;
}

const belongs = (forge: Forge, repo: RepoRow, table: "comments" | "review_comments", id: number): number => {
  const sql = `SELECT count(*) AS n FROM ${table} JOIN issues ON issues.id = issue_id WHERE repo_id = ? AND ${table}.id = ?`;
  if (forge.db.count(sql, repo.id, id) === 0) throw notFound();
  return id;
};

const subjects: readonly Subject[] = [
  {
    kind: "issue",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/reactions",
    token: "issues:write",
    find: (call, repo) => issueOf(call, repo).id,
  },
  {
    kind: "issue_comment",
    path: "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
    token: "issues:write",
    find: (call, repo) => belongs(call.forge, repo, "comments", Number(call.params.comment_id)),
  },
  {
    kind: "review_comment",
    path: "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions",
    token: "pull_requests:write",
    find: (call, repo) => belongs(call.forge, repo, "review_comments", Number(call.params.comment_id)),
  },
];

const reactionRoutes = subjects.flatMap(({ kind, path, token, find }): Route[] => [
  {
    method: "GET",
    path,
    token: token.replace("write", "read") as Permission,
    handle(call) {
      const id = find(call, repoOf(call));
      const content = call.query.get("content") ?? "%";
      return ok(
        call.forge.db
          .all<ReactionRow>(
            "SELECT * FROM reactions WHERE subject = ? AND subject_id = ? AND content LIKE ? ORDER BY id",
            kind,
            id,
            content,
          )
          .map((row) => reactionView(call.forge, row)),
      );
    },
  },
  {
    method: "POST",
    path,
    token,
    handle(call) {
      const { db } = call.forge;
      const id = find(call, repoOf(call));
      const content = textOf(call.body, "content", { resource: "Reaction" }) ?? "";
      if (!contents.includes(content)) throw invalid("Reaction", "content");
      const who = actor(call).id;
      const { changes } = db.run(
        "INSERT OR IGNORE INTO reactions (subject, subject_id, user_id, content, created_at) VALUES (?, ?, ?, ?, ?)",
        kind,
        id,
        who,
        content,
        now(call.forge),
      );
      const row = db.get<ReactionRow>(
        "SELECT * FROM reactions WHERE subject = ? AND subject_id = ? AND user_id = ? AND content = ?",
        kind,
        id,
        who,
        content,
      )!;
      // The same reaction twice is one: 200 instead of 201 says so.
      return ok(reactionView(call.forge, row), changes > 0 ? 201 : 200);
    },
  },
]);

const labelOf = ({ forge, params }: Call, repo: RepoRow): LabelRow => {
  const found = findLabel(forge, repo, params.name!);
  if (found === undefined) throw notFound();
  return found;
};

const view = (call: Call, repo: RepoRow, issue: IssueRow) => ok(labelsOf(call.forge, repo, issue));

const labelRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/labels",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      const rows = call.forge.db.all<LabelRow>("SELECT * FROM labels WHERE repo_id = ? ORDER BY name", repo.id);
      return ok(rows.map((row) => labelView(call.forge, repo, row)));
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/labels",
    token: "issues:write",
    handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call, "triage");
      const name = String(textOf(body, "name", { resource: "Label" }));
      const color = textOf(body, "color") ?? "ededed";
      if (!/^[0-9a-f]{6}$/i.test(color)) throw invalid("Label", "color");
      if (findLabel(forge, repo, name) !== undefined) throw invalid("Label", "name", "already_exists");
      const description = textOf(body, "description") ?? null;
      forge.db.run(
        "INSERT INTO labels (repo_id, name, color, description) VALUES (?, ?, ?, ?)",
        repo.id,
        name,
        color,
        description,
      );
      return ok(labelView(forge, repo, findLabel(forge, repo, name)!), 201);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/labels/{name}",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      return ok(labelView(call.forge, repo, labelOf(call, repo)));
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/labels/{name}",
    token: "issues:write",
    handle(call) {
      const repo = repoOf(call, "triage");
      call.forge.db.run("DELETE FROM labels WHERE id = ?", labelOf(call, repo).id);
      return nothing;
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/labels",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      return view(call, repo, issueOf(call, repo));
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/labels",
    token: "issues:write",
    handle(call) {
      const repo = repoOf(call, "triage");
      const issue = issueOf(call, repo);
      call.forge.db.transaction(() => label(call.forge, repo, issue, actor(call), textsOf(call.body, "labels") ?? []));
      return view(call, repo, issue);
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}",
    token: "issues:write",
    handle(call) {
      const repo = repoOf(call, "triage");
      const issue = issueOf(call, repo);
      if (!unlabel(call.forge, repo, issue, actor(call), call.params.name!)) throw notFound();
      return view(call, repo, issue);
    },
  },
];

export const labelAndReactionRoutes: readonly Route[] = [...labelRoutes, ...reactionRoutes];
