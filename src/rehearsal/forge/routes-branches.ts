import { commitViews } from "./commits.ts";
import { type Call, type Forge, type Route, repoOf } from "./context.ts";
import { isObject, nothing, ok, Refusal, textsOf } from "./http.ts";
import { type Rules, rulesOf } from "./protection.ts";
import type { RepoRow } from "./rows.ts";
import { repoPage, repoUrl } from "./views.ts";

/** Branches and what protects them. */
function protectionView(forge: Forge, repo: RepoRow, branch: string, rules: Rules) {
  const url = `${repoUrl(forge, repo)}/branches/${encodeURIComponent(branch)}/protection`;
  const enabled = (on: boolean) => ({ enabled: on });
  return {
    url,
    ...(rules.checks.length === 0 && !rules.strict
      ? {}
      : {
          required_status_checks: {
            url: `${url}/required_status_checks`,
            strict: rules.strict,
            contexts: rules.checks,
            contexts_url: `${url}/required_status_checks/contexts`,
            checks: rules.checks.map((context) => ({ context, app_id: null })),
          },
        }),
    ...(rules.reviews === undefined
      ? {}
      : {
          required_pull_request_reviews: {
            url: `${url}/required_pull_request_reviews`,
            dismiss_stale_reviews: rules.dismissStale,
            require_code_owner_reviews: false,
            require_last_push_approval: false,
            required_approving_review_count: rules.reviews,
          },
        }),
    enforce_admins: { url: `${url}/enforce_admins`, enabled: rules.admins },
    required_linear_history: enabled(false),
    allow_force_pushes: enabled(rules.force),
    allow_deletions: enabled(rules.deletion),
    block_creations: enabled(false),
    required_conversation_resolution: enabled(false),
    lock_branch: enabled(false),
    allow_fork_syncing: enabled(false),
    required_signatures: { url: `${url}/required_signatures`, enabled: false },
  };
}

const wanted = (call: Call, repo: RepoRow): Rules => {
  const rules = rulesOf(call.forge, repo, call.params.branch!);
  if (rules === undefined) throw new Refusal(404, "Branch not protected");
  return rules;
};

const tip = async (call: Call, repo: RepoRow): Promise<string> => {
  const sha = await call.forge.git.resolve(repo.id, `refs/heads/${call.params.branch}`);
  if (sha === undefined) throw new Refusal(404, "Branch not found");
  return sha;
};

const noRules: Rules = { dismissStale: false, checks: [], strict: false, admins: false, force: true, deletion: true };

export const branchRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/branches",
    token: "contents:read",
    async handle(call) {
      const repo = repoOf(call);
      const refs = await call.forge.git.refs(repo.id, "refs/heads");
      return ok(
        [...refs].map(([ref, sha]) => {
          const name = ref.slice("refs/heads/".length);
          const commit = { sha, url: `${repoUrl(call.forge, repo)}/commits/${sha}` };
          return { name, commit, protected: rulesOf(call.forge, repo, name) !== undefined };
        }),
      );
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/branches/{branch}",
    token: "contents:read",
    async handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const name = call.params.branch!;
      const [commit] = await commitViews(forge, repo, ["-1", await tip(call, repo)]);
      const rules = rulesOf(forge, repo, name);
      const self = `${repoUrl(forge, repo)}/branches/${encodeURIComponent(name)}`;
      const level = rules === undefined ? "off" : rules.admins ? "everyone" : "non_admins";
      const checks = (rules?.checks ?? []).map((context) => ({ context, app_id: null }));
      const required_status_checks = { enforcement_level: level, contexts: [...(rules?.checks ?? [])], checks };
      return ok({
        name,
        commit,
        _links: { self, html: `${repoPage(forge, repo)}/tree/${name}` },
        protected: rules !== undefined,
        protection: { enabled: rules !== undefined, required_status_checks },
        protection_url: `${self}/protection`,
      });
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/branches/{branch}/protection",
    token: "administration:read",
    async handle(call) {
      const repo = repoOf(call, "admin");
      await tip(call, repo);
      return ok(protectionView(call.forge, repo, call.params.branch!, wanted(call, repo)));
    },
  },
  {
    method: "PUT",
    path: "/repos/{owner}/{repo}/branches/{branch}/protection",
    token: "administration:write",
    async handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call, "admin");
      await tip(call, repo);
      const reviews = isObject(body.required_pull_request_reviews) ? body.required_pull_request_reviews : undefined;
      const checks = isObject(body.required_status_checks) ? body.required_status_checks : undefined;
      const named = checks === undefined ? [] : (textsOf(checks, "contexts") ?? []);
      const listed = Array.isArray(checks?.checks)
        ? (checks.checks as unknown[]).filter(isObject).map(({ context }) => String(context))
        : [];
      const rules: Rules = {
        ...noRules,
        reviews: reviews === undefined ? undefined : Number(reviews.required_approving_review_count ?? 1),
        dismissStale: reviews?.dismiss_stale_reviews === true,
        checks: [...new Set([...named, ...listed])],
        strict: checks?.strict === true,
        admins: body.enforce_admins === true,
        force: body.allow_force_pushes === true,
        deletion: body.allow_deletions === true,
      };
      const text = JSON.stringify(rules);
      forge.db.run(
        "INSERT INTO protections VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rules = excluded.rules",
        repo.id,
        call.params.branch!,
        text,
      );
      return ok(protectionView(forge, repo, call.params.branch!, rules));
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/branches/{branch}/protection",
    token: "administration:write",
    handle(call) {
      const repo = repoOf(call, "admin");
      wanted(call, repo);
      call.forge.db.run("DELETE FROM protections WHERE repo_id = ? AND branch = ?", repo.id, call.params.branch!);
      return nothing;
    },
  },
];
