import { type Content, html, type Markup } from "../../base/markup.ts";
import type { Forge } from "./context.ts";
import { findRepo, issueByNumber, may, pullOf, reposOf } from "./context.ts";
import { diffOf } from "./diff.ts";
import { notFound } from "./http.ts";
import { commentView, issueView } from "./issue-views.ts";
import { checksOf } from "./protection.ts";
import { diffBase, reviewCommentView, reviewView } from "./pull-views.ts";
import type { CommentRow, IssueRow, RepoRow, ReviewCommentRow, ReviewRow, UserRow } from "./rows.ts";

/** Pages for people: what is in the forge, server-rendered, to read only. */

export const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

function layout(title: string, body: Content): string {
  return html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{margin:0 auto;max-width:60rem;padding:1rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8884;padding:.5rem}.label{border:1px solid;border-radius:.3rem;padding:0 .4rem;font-size:.8rem}
li{margin:.3rem 0}article{border-top:1px solid #8884;margin-top:1rem}small{opacity:.8}</style></head><body><p><a href="/">Rehearsal forge</a></p><h1>${title}</h1>${body}</body></html>`.toString();
}

const list = (items: readonly Content[]): Markup =>
  items.length === 0 ? html`<p>None.</p>` : html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;

const written = (
  who: string | undefined,
  when: string | undefined,
  what: string,
  body: string | null | undefined,
): Markup =>
  html`<article><p><strong>${who}</strong> ${what} <small>${when}</small></p>${body ? html`<pre>${body}</pre>` : ""}</article>`;

const repoPath = ({ owner, name }: RepoRow): string => `/${owner}/${name}`;

function issueLine(forge: Forge, repo: RepoRow, issue: IssueRow): Markup {
  const pull = pullOf(forge, issue);
  const view = issueView(forge, repo, issue);
  const state = pull?.merged_at ? "merged" : issue.state;
  const labels = view.labels.map(({ name }) => html` <span class="label">${name}</span>`);
  const assignees = view.assignees.map(({ login }) => login).join(", ");
  const href = `${repoPath(repo)}/${pull === undefined ? "issues" : "pull"}/${issue.number}`;
  return html`<a href="${href}">#${issue.number} ${issue.title}</a> ${state}${labels} <small>by ${view.user.login}${assignees !== "" && `, assigned to ${assignees}`}</small>`;
}

async function issuePage(forge: Forge, repo: RepoRow, number: number): Promise<string> {
  const issue = issueByNumber(forge, repo, number);
  const pull = pullOf(forge, issue);
  const parts: Content[] = [
    html`<p>${issueLine(forge, repo, issue)}</p>`,
    issue.body ? html`<pre>${issue.body}</pre>` : undefined,
  ];
  if (pull !== undefined) {
    const checks = [...checksOf(forge, repo, pull.head_sha)].map(([name, state]) => `${name}: ${state}`);
    parts.push(
      html`<p>${pull.head_ref} → ${pull.base_ref} at <code>${pull.head_sha}</code></p><h2>Checks</h2>${list(checks)}`,
    );
    for (const row of forge.db.all<ReviewRow>("SELECT * FROM reviews WHERE issue_id = ? ORDER BY id", issue.id)) {
      const view = reviewView(forge, repo, issue, row);
      parts.push(
        written(
          view.user.login,
          row.submitted_at ?? "",
          `reviewed ${row.commit_id.slice(0, 7)}: ${row.state}`,
          row.body,
        ),
      );
    }
    for (const row of forge.db.all<ReviewCommentRow>(
      "SELECT * FROM review_comments WHERE issue_id = ? ORDER BY id",
      issue.id,
    )) {
      const view = reviewCommentView(forge, repo, issue, row);
      parts.push(
        written(
          view.user.login,
          row.created_at,
          `on ${row.path}:${row.line}${row.outdated === 1 ? " (outdated)" : ""}`,
          row.body,
        ),
      );
    }
  }
  for (const row of forge.db.all<CommentRow>("SELECT * FROM comments WHERE issue_id = ? ORDER BY id", issue.id))
    parts.push(written(commentView(forge, repo, issue, row).user.login, row.created_at, "wrote", row.body));
  if (pull !== undefined) {
    const files = await diffOf(forge.git, repo.id, await diffBase(forge, repo, pull), pull.head_sha);
    parts.push(
      html`<h2>Files</h2>`,
      ...files.slice(0, 100).map((file) => html`<h3>${file.path}</h3><pre>${file.patch?.slice(0, 20_000)}</pre>`),
    );
  }
  return layout(`${repo.owner}/${repo.name} #${number}`, parts);
}

/** The page at `path`, for whoever may see it; throws 404. */
export async function pageAt(forge: Forge, path: string, user: UserRow | undefined): Promise<string> {
  if (path === "/") {
    const seen = reposOf(forge).filter((repo) => may(forge, repo, user, "pull"));
    const line = (repo: RepoRow) =>
      html`<a href="${repoPath(repo)}">${repo.owner}/${repo.name}</a> ${repo.description}`;
    return layout("Repositories", html`<p>GitHub, played for rehearsals.</p>${list(seen.map(line))}`);
  }
  const [, owner, name, number] = /^\/([^/]+)\/([^/]+)(?:\/(?:issues|pull)\/(\d+))?$/.exec(path) ?? [];
  const repo = owner === undefined ? undefined : findRepo(forge, owner, name!);
  if (repo === undefined || !may(forge, repo, user, "pull")) throw notFound();
  if (number !== undefined) return issuePage(forge, repo, Number(number));
  const issues = forge.db.all<IssueRow>(
    "SELECT * FROM issues WHERE repo_id = ? ORDER BY number DESC LIMIT 200",
    repo.id,
  );
  const [pulls, others] = [
    issues.filter((issue) => pullOf(forge, issue) !== undefined),
    issues.filter((issue) => pullOf(forge, issue) === undefined),
  ];
  const lines = (of: readonly IssueRow[]) => list(of.map((issue) => issueLine(forge, repo, issue)));
  return layout(
    `${repo.owner}/${repo.name}`,
    html`<p>${repo.description}</p><h2>Pull requests</h2>${lines(pulls)}<h2>Issues</h2>${lines(others)}`,
  );
}
