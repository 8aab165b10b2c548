import { commitViews } from "./commits.ts";
import { actor, type Call, type Forge, now, type Route, repoOf } from "./context.ts";
import { invalid, isObject, notFound, ok, Refusal, textOf } from "./http.ts";
import type { RepoRow } from "./rows.ts";
import { apiOf, nodeId, repoPage, repoUrl, repoView, userViewOf } from "./views.ts";

/** Commit statuses and check runs. */
interface StatusRow {
  readonly id: number;
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly target_url: string | null;
  readonly user_id: number;
  readonly created_at: string;
}

function statusView(forge: Forge, repo: RepoRow, row: StatusRow) {
  const creator = userViewOf(forge, row.user_id);
  const { id, state, context, description, target_url, created_at } = row;
  const url = `${repoUrl(forge, repo)}/statuses/${row.sha}`;
  const times = { created_at, updated_at: created_at };
  return {
    url,
    avatar_url: creator.avatar_url,
    id,
    node_id: nodeId("Status", id),
    state,
    description,
    target_url,
    context,
    ...times,
    creator,
  };
}

interface CheckRow {
  readonly id: number;
  readonly sha: string;
  readonly user_id: number;
  readonly name: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly title: string | null;
  readonly summary: string | null;
  readonly text: string | null;
  readonly external_id: string | null;
  readonly details_url: string | null;
  readonly started_at: string;
  readonly completed_at: string | null;
}

function checkView(forge: Forge, repo: RepoRow, row: CheckRow) {
  const url = `${repoUrl(forge, repo)}/check-runs/${row.id}`;
  const page = `${repoPage(forge, repo)}/runs/${row.id}`;
  return {
    id: row.id,
    node_id: nodeId("CheckRun", row.id),
    name: row.name,
    head_sha: row.sha,
    external_id: row.external_id ?? "",
    url,
    html_url: page,
    details_url: row.details_url ?? page,
    status: row.status,
    conclusion: row.conclusion,
    started_at: row.started_at,
    completed_at: row.completed_at,
    output: {
      title: row.title,
      summary: row.summary,
      text: row.text,
      annotations_count: 0,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: row.id },
    app: null,
    pull_requests: [],
  };
}

const commitAt = async ({ forge }: Call, repo: RepoRow, ref: string): Promise<string> => {
  const sha = await forge.git.resolve(repo.id, ref);
  if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  return sha;
};

const statusesOf = (call: Call, repo: RepoRow, sha: string): StatusRow[] =>
  call.forge.db.all<StatusRow>("SELECT * FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id DESC", repo.id, sha);

function checkFields(body: Readonly<Record<string, unknown>>) {
  const output = isObject(body.output) ? body.output : {};
  const conclusion = textOf(body, "conclusion");
  const status = conclusion === undefined ? textOf(body, "status") : "completed";
  if (status === "completed" && conclusion === undefined) throw invalid("CheckRun", "conclusion", "missing_field");
  return {
    name: textOf(body, "name"),
    status,
    conclusion,
    title: textOf(output, "title"),
    summary: textOf(output, "summary"),
    text: textOf(output, "text"),
    external_id: textOf(body, "external_id"),
    details_url: textOf(body, "details_url"),
    completed_at: textOf(body, "completed_at"),
  };
}

const checkOf = ({ forge, params }: Call, repo: RepoRow, id = Number(params.check_run_id)): CheckRow => {
  const row = forge.db.get<CheckRow>("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", id, repo.id);
  if (row === undefined) throw notFound();
  return row;
};

const tellCheck = (call: Call, repo: RepoRow, row: CheckRow, action: string): void => {
  const payload = { action, check_run: checkView(call.forge, repo, row), repository: repoView(call.forge, repo) };
  call.forge.emit(repo, "check_run", payload, actor(call));
};

export const checkRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/statuses/{sha}",
    token: "statuses:write",
    async handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call, "push");
      const user = actor(call);
      const state = textOf(body, "state", { resource: "Status" }) ?? "";
      if (!["error", "failure", "pending", "success"].includes(state)) throw invalid("Status", "state");
      const description = textOf(body, "description") ?? null;
      if ((description?.length ?? 0) > 140)
        throw invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)");
      const sha = await commitAt(call, repo, call.params.sha!);
      const context = textOf(body, "context") ?? "default";
      const [commit] = await commitViews(forge, repo, ["-1", sha]);
      const row = forge.db.transaction(() => {
        const { id } = forge.db.run(
          "INSERT INTO statuses (repo_id, sha, state, context, description, target_url, user_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          repo.id,
          sha,
          state,
          context,
          description,
          textOf(body, "target_url") ?? null,
          user.id,
          now(forge),
        );
        const made = forge.db.get<StatusRow>("SELECT * FROM statuses WHERE id = ?", id)!;
        const { target_url, created_at } = made;
        const what = {
          id,
          sha,
          name: `${repo.owner}/${repo.name}`,
          target_url,
          context,
          description,
          state,
          commit,
          branches: [],
        };
        forge.emit(
          repo,
          "status",
          { ...what, created_at, updated_at: created_at, repository: repoView(forge, repo) },
          user,
        );
        return made;
      });
      return ok(statusView(forge, repo, row), 201);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/commits/{ref}/statuses",
    token: "statuses:read",
    async handle(call) {
      const repo = repoOf(call);
      return ok(
        statusesOf(call, repo, await commitAt(call, repo, call.params.ref!)).map((row) =>
          statusView(call.forge, repo, row),
        ),
      );
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/commits/{ref}/status",
    token: "statuses:read",
    async handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const sha = await commitAt(call, repo, call.params.ref!);
      const latest = new Map<string, StatusRow>();
      for (const row of statusesOf(call, repo, sha)) if (!latest.has(row.context)) latest.set(row.context, row);
      const states = [...latest.values()].map(({ state }) => state);
      const bad = states.some((state) => state === "failure" || state === "error");
      const state = bad ? "failure" : states.length === 0 || states.includes("pending") ? "pending" : "success";
      const statuses = [...latest.values()].map((row) => statusView(forge, repo, row));
      const commit_url = `${repoUrl(forge, repo)}/commits/${sha}`;
      const url = `${apiOf(forge)}/repos/${repo.owner}/${repo.name}/commits/${sha}/status`;
      return ok({
        state,
        statuses,
        sha,
        total_count: statuses.length,
        repository: repoView(forge, repo),
        commit_url,
        url,
      });
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/check-runs",
    token: "checks:write",
    async handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call, "push");
      const name = String(textOf(body, "name", { resource: "CheckRun" }));
      const sha = await commitAt(call, repo, String(textOf(body, "head_sha", { resource: "CheckRun" })));
      const fields = checkFields(body);
      const at = now(forge);
      const { id } = forge.db.run(
        `INSERT INTO check_runs (repo_id, sha, name, status, conclusion, title, summary, text, external_id, details_url, user_id, started_at, completed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        repo.id,
        sha,
        name,
        fields.status ?? "queued",
        fields.conclusion ?? null,
        fields.title ?? null,
        fields.summary ?? null,
        fields.text ?? null,
        fields.external_id ?? null,
        fields.details_url ?? null,
        actor(call).id,
        textOf(body, "started_at") ?? at,
        fields.conclusion === undefined ? null : (fields.completed_at ?? at),
      );
      const row = checkOf(call, repo, id);
      tellCheck(call, repo, row, "created");
      if (row.status === "completed") tellCheck(call, repo, row, "completed");
      return ok(checkView(forge, repo, row), 201);
    },
  },
  {
    method: "PATCH",
    path: "/repos/{owner}/{repo}/check-runs/{check_run_id}",
    token: "checks:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call, "push");
      const before = checkOf(call, repo);
      const fields = checkFields(call.body);
      const completed = fields.completed_at ?? (fields.conclusion === undefined ? before.completed_at : now(forge));
      const next = { ...fields, completed_at: completed };
      for (const [column, value] of Object.entries(next))
        if (value !== undefined) forge.db.run(`UPDATE check_runs SET ${column} = ? WHERE id = ?`, value, before.id);
      const row = checkOf(call, repo);
      if (row.status === "completed" && before.status !== "completed") tellCheck(call, repo, row, "completed");
      return ok(checkView(forge, repo, row));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/check-runs/{check_run_id}",
    token: "checks:read",
    handle(call) {
      const repo = repoOf(call);
      return ok(checkView(call.forge, repo, checkOf(call, repo)));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/commits/{ref}/check-runs",
    token: "checks:read",
    async handle(call) {
      const repo = repoOf(call);
      const sha = await commitAt(call, repo, call.params.ref!);
      const rows = call.forge.db.all<CheckRow>(
        "SELECT * FROM check_runs WHERE repo_id = ? AND sha = ? ORDER BY id DESC",
        repo.id,
        sha,
      );
      const name = call.query.get("check_name");
      const all = call.query.get("filter") === "all";
      // Newest first: the first of each app and name is its latest.
      const seen = new Set<string>();
      const check_runs = rows
        .filter((row) => name === null || row.name === name)
        .filter((row) => all || (!seen.has(`${row.user_id} ${row.name}`) && seen.add(`${row.user_id} ${row.name}`)))
        .map((row) => checkView(call.forge, repo, row));
      return ok({ total_count: check_runs.length, check_runs });
    },
  },
];
