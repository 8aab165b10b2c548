import { commitViews } from "./commits.ts";
import {
  actor,
  findRepo,
  findUser,
  issueByNumber,
  may,
  pullCall,
  pullOf,
  type Route,
  repoById,
  repoOf,
} from "./context.ts";
import { bounded, invalid, nothing, ok, Refusal, textOf, textsOf } from "./http.ts";
import { changeIssue, createIssue, record, tell } from "./issues.ts";
import { mergePull } from "./merge.ts";
import { diffBase, fileView, measure, pullView, simplePullView } from "./pull-views.ts";
import { fetchHead } from "./refs.ts";
import type { IssueRow, RepoRow } from "./rows.ts";
import { userView } from "./views.ts";

/** Pull requests: made, read, changed, merged, and who is asked to review them. */
const custom = (message: string): Refusal =>
  new Refusal(422, "Validation Failed", [{ resource: "PullRequest", code: "custom", message }]);

export const pullRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls",
    token: "pull_requests:read",
    handle(call) {
      const { forge, query } = call;
      const repo = repoOf(call);
      const state = query.get("state") ?? "open";
      const sort = query.get("sort") === "updated" ? "updated_at" : "created_at";
      const way = (query.get("direction") ?? (query.has("sort") ? "asc" : "desc")) === "asc" ? "ASC" : "DESC";
      const rows = forge.db.all<IssueRow>(
        `SELECT issues.* FROM issues JOIN pulls ON issue_id = issues.id WHERE repo_id = ? AND (? = 'all' OR state = ?) ORDER BY ${sort} ${way}, number ${way}`,
        repo.id,
        state,
        state,
      );
      const views = rows.map((issue) => simplePullView(forge, repo, issue, pullOf(forge, issue)!));
      const [head, base] = [query.get("head"), query.get("base")];
      return ok(
        views.filter(
          (view) => (head === null || view.head.label === head) && (base === null || view.base.ref === base),
        ),
      );
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/pulls",
    token: "pull_requests:write",
    handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call);
      const user = actor(call);
      const head = String(textOf(body, "head", { resource: "PullRequest" }));
      const baseRef = String(textOf(body, "base", { resource: "PullRequest" }));
      const title = bounded("PullRequest", "title", String(textOf(body, "title", { resource: "PullRequest" })));
      const text = textOf(body, "body");
      const [, owner, branch] = /^(?:([^:]+):)?(.+)$/.exec(head) as unknown as [string, string | undefined, string];
      const from = headRepo(owner);
      return forge.alone(repo.id, async () => {
        const base = await forge.git.resolve(repo.id, `refs/heads/${baseRef}`);
        if (base === undefined) throw invalid("PullRequest", "base");
        const sha = from && (await forge.git.resolve(from.id, `refs/heads/${branch}`));
        if (from === undefined || sha === undefined) throw invalid("PullRequest", "head");
        if (!may(forge, from, user, "push")) throw new Refusal(403, "Must have push access to repository");
        if (from.id === repo.id && branch === baseRef) throw custom("No commits between the same branch");
        const same = forge.db.count(
          `SELECT count(*) AS n FROM pulls JOIN issues ON issues.id = issue_id
           WHERE repo_id = ? AND state = 'open' AND head_repo_id = ? AND head_ref = ? AND base_ref = ?`,
          repo.id,
          from.id,
          branch,
          baseRef,
        );
        if (same > 0) throw custom(`A pull request already exists for ${from.owner}:${branch}.`);
        if (from.id !== repo.id)
          await forge.git.run(repo.id, ["fetch", "--quiet", "--no-tags", forge.git.folder(from.id), sha]);
        if (await forge.git.isAncestor(repo.id, sha, base))
          throw custom(`No commits between ${repo.owner}:${baseRef} and ${from.owner}:${branch}`);
        if ((await forge.git.mergeBase(repo.id, base, sha)) === undefined)
          throw custom(`The ${branch} branch has no history in common with ${repo.owner}:${baseRef}`);
        const issue = forge.db.transaction(() => {
          const made = createIssue(forge, repo, user, title, text && bounded("PullRequest", "body", text));
          forge.db.run(
            "INSERT INTO pulls (issue_id, head_repo_id, head_ref, head_sha, base_ref, base_sha, draft) VALUES (?, ?, ?, ?, ?, ?, ?)",
            made.id,
            from.id,
            branch,
            sha,
            baseRef,
            base,
            body.draft === true ? 1 : 0,
          );
          tell(forge, repo, made, user, "opened");
          return made;
        });
        await fetchHead(forge, from, issue, sha);
        const pull = pullOf(forge, issue)!;
        return ok(pullView(forge, repo, issue, pull, await measure(forge, repo, pull)), 201);
      });

      function headRepo(login: string | undefined): RepoRow | undefined {
        if (login === undefined || login.toLowerCase() === repo.owner.toLowerCase()) return repo;
        const row = forge.db.get<{ id: number }>(
          "SELECT repos.id FROM repos JOIN users ON users.id = owner_id WHERE login = ? AND parent_id = ?",
          login,
          repo.id,
        );
        return row === undefined ? findRepo(forge, login, repo.name) : repoById(forge, row.id);
      }
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}",
    token: "pull_requests:read",
    async handle(call) {
      const repo = repoOf(call);
      const { issue, pull } = pullCall(call, repo);
      return ok(pullView(call.forge, repo, issue, pull, await measure(call.forge, repo, pull)));
    },
  },
  {
    method: "PATCH",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}",
    token: "pull_requests:write",
    async handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call);
      const { issue, pull } = pullCall(call, repo);
      if (issue.user_id !== actor(call).id) repoOf(call, "push");
      const state = textOf(body, "state");
      if (state === "open" && pull.merged_at !== null)
        throw invalid("PullRequest", "state", "custom", "state cannot be changed. The pull request is merged.");
      const base = textOf(body, "base");
      const sha = base === undefined ? undefined : await forge.git.resolve(repo.id, `refs/heads/${base}`);
      if (base !== undefined && sha === undefined) throw invalid("PullRequest", "base");
      forge.db.transaction(() => {
        if (base !== undefined && base !== pull.base_ref) {
          forge.db.run("UPDATE pulls SET base_ref = ?, base_sha = ? WHERE issue_id = ?", base, sha!, issue.id);
          const changes = { base: { ref: { from: pull.base_ref }, sha: { from: pull.base_sha } } };
          tell(forge, repo, issue, actor(call), "edited", { changes });
        }
        const { title, body: text, state: wanted } = body;
        changeIssue(forge, repo, issue, actor(call), {
          ...(title === undefined ? {} : { title }),
          ...(text === undefined ? {} : { body: text }),
          ...(wanted === undefined ? {} : { state: wanted }),
        });
      });
      const fresh = pullOf(forge, issue)!;
      return ok(
        pullView(forge, repo, issueByNumber(forge, repo, issue.number), fresh, await measure(forge, repo, fresh)),
      );
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}/files",
    token: "pull_requests:read",
    async handle(call) {
      const repo = repoOf(call);
      const { pull } = pullCall(call, repo);
      const { files } = await measure(call.forge, repo, pull);
      return ok(files.slice(0, 3000).map((file) => fileView(call.forge, repo, pull.head_sha, file)));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}/commits",
    token: "pull_requests:read",
    async handle(call) {
      const repo = repoOf(call);
      const { pull } = pullCall(call, repo);
      const base = await diffBase(call.forge, repo, pull);
      return ok((await commitViews(call.forge, repo, ["--reverse", `${base}..${pull.head_sha}`])).slice(0, 250));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}/merge",
    token: "pull_requests:read",
    handle(call) {
      const { pull } = pullCall(call, repoOf(call));
      if (pull.merged_at === null) throw new Refusal(404, "Not Found");
      return nothing;
    },
  },
  {
    method: "PUT",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}/merge",
    token: "contents:write",
    handle(call) {
      const repo = repoOf(call, "push");
      const { issue } = pullCall(call, repo);
      return call.forge.alone(repo.id, () => mergePull(call, repo, issue));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
    token: "pull_requests:read",
    handle(call) {
      const repo = repoOf(call);
      const { issue, pull } = pullCall(call, repo);
      return ok({ users: simplePullView(call.forge, repo, issue, pull).requested_reviewers, teams: [] });
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
    token: "pull_requests:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call, "triage");
      const { issue, pull } = pullCall(call, repo);
      const reviewers = (textsOf(call.body, "reviewers") ?? []).map((login) => {
        const user = findUser(forge, login);
        if (user?.id === issue.user_id) throw new Refusal(422, "Review cannot be requested from pull request author.");
        if (
          user === undefined ||
          !may(forge, repo, user, "pull") ||
          (user.id !== repo.owner_id && !isCollaborator(user.id))
        )
          throw new Refusal(
            422,
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the " +
              `${repo.owner}/${repo.name} repository.`,
          );
        return user;
      });
      forge.db.transaction(() => {
        for (const user of reviewers) {
          const { changes } = forge.db.run("INSERT OR IGNORE INTO review_requests VALUES (?, ?)", issue.id, user.id);
          if (changes > 0)
            record(forge, repo, issue, actor(call), "review_requested", {
              extra: { requested_reviewer: userView(forge, user) },
            });
        }
      });
      return ok(simplePullView(forge, repo, issueByNumber(forge, repo, issue.number), pull), 201);

      function isCollaborator(user: number): boolean {
        return (
          forge.db.count("SELECT count(*) AS n FROM collaborators WHERE repo_id = ? AND user_id = ?", repo.id, user) > 0
        );
      }
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
    token: "pull_requests:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call, "triage");
      const { issue, pull } = pullCall(call, repo);
      for (const login of textsOf(call.body, "reviewers") ?? []) {
        const user = findUser(forge, login);
        const { changes } = user
          ? forge.db.run("DELETE FROM review_requests WHERE issue_id = ? AND user_id = ?", issue.id, user.id)
          : { changes: 0 };
        if (user && changes > 0)
          record(forge, repo, issue, actor(call), "review_request_removed", {
            extra: { requested_reviewer: userView(forge, user) },
          });
      }
      return ok(simplePullView(forge, repo, issueByNumber(forge, repo, issue.number), pull));
    },
  },
];
