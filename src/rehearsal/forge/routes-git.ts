import { commitViews } from "./commits.ts";
import { actor, type Forge, findRepo, type Route, repoOf } from "./context.ts";
import { diffOf } from "./diff.ts";
import { noCommit } from "./git.ts";
import { notFound, nothing, ok, Refusal, textOf } from "./http.ts";
import { heed } from "./protection-api.ts";
import { fileView } from "./pull-views.ts";
import { refView, syncRefs } from "./refs.ts";
import type { RepoRow } from "./rows.ts";
import { repoPage, repoUrl } from "./views.ts";

/** Refs, commits, comparisons and contents. */
const objectAt = async (forge: Forge, repo: RepoRow, ref: string) => {
  const { code, stdout } = await forge.git.try(repo.id, ["for-each-ref", "--format=%(objectname) %(objecttype)", ref]);
  const [sha, type] = stdout.toString("utf8").trim().split(" ");
  return code === 0 && sha !== undefined && type !== undefined && !stdout.includes("\n", sha.length + type.length + 2)
    ? { sha, type }
    : undefined;
};

/** `owner:branch`, a branch, tag or commit of the repository or one of its forks. */
async function side(forge: Forge, repo: RepoRow, name: string): Promise<string> {
  const [, owner, ref] = /^(?:([^:]+):)?(.+)$/.exec(name) ?? [];
  const from = owner === undefined ? repo : findRepo(forge, owner, repo.name);
  const sha = from && (await forge.git.resolve(from.id, ref ?? name));
  if (from === undefined || sha === undefined) throw notFound();
  if (from.id !== repo.id)
    await forge.git.run(repo.id, ["fetch", "--quiet", "--no-tags", forge.git.folder(from.id), sha]);
  return sha;
}

export const gitRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/git/ref/{ref}",
    token: "contents:read",
    async handle(call) {
      const repo = repoOf(call);
      const ref = `refs/${call.params.ref}`;
      const object = await objectAt(call.forge, repo, ref);
      if (object === undefined) throw notFound();
      return ok(refView(call.forge, repo, ref, object.sha, object.type));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/git/matching-refs/{ref}",
    token: "contents:read",
    async handle(call) {
      const repo = repoOf(call);
      const wanted = `refs/${call.params.ref}`;
      const refs = [...(await call.forge.git.refs(repo.id))].filter(([name]) => name.startsWith(wanted));
      return ok(refs.map(([name, sha]) => refView(call.forge, repo, name, sha)));
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/git/refs",
    token: "contents:write",
    handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call, "push");
      const ref = String(textOf(body, "ref", { resource: "Reference" }));
      const sha = String(textOf(body, "sha", { resource: "Reference" }));
      return forge.alone(repo.id, async () => {
        const wellFormed =
          /^refs\/[^/]+\/./.test(ref) && (await forge.git.try(repo.id, ["check-ref-format", ref])).code === 0;
        if (!wellFormed || ref.startsWith("refs/pull/")) throw new Refusal(422, `${ref} is not a valid ref name.`);
        if (!/^[0-9a-f]{40}$/.test(sha))
          throw new Refusal(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].");
        if ((await forge.git.resolve(repo.id, sha, "object")) === undefined)
          throw new Refusal(422, "Object does not exist");
        // Git itself decides who was first: one of several callers makes it, the others hear that it exists.
        if (!(await forge.git.moveRef(repo.id, ref, sha, noCommit))) throw new Refusal(422, "Reference already exists");
        await syncRefs(forge, repo.id, actor(call));
        return ok(refView(forge, repo, ref, sha), 201);
      });
    },
  },
  {
    method: "PATCH",
    path: "/repos/{owner}/{repo}/git/refs/{ref}",
    token: "contents:write",
    handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call, "push");
      const ref = `refs/${call.params.ref}`;
      const sha = String(textOf(body, "sha", { resource: "Reference" }));
      return forge.alone(repo.id, async () => {
        const old = await objectAt(forge, repo, ref);
        if (old === undefined || ref.startsWith("refs/pull/")) throw new Refusal(422, "Reference does not exist");
        if ((await forge.git.resolve(repo.id, sha, "object")) === undefined)
          throw new Refusal(422, "Object does not exist");
        const forced = !(await forge.git.isAncestor(repo.id, old.sha, sha));
        if (forced && body.force !== true) throw new Refusal(422, "Update is not a fast forward");
        heed(call, repo, ref, forced ? "force" : "write");
        if (!(await forge.git.moveRef(repo.id, ref, sha, old.sha)))
          throw new Refusal(422, "Reference cannot be updated");
        await syncRefs(forge, repo.id, actor(call));
        return ok(refView(forge, repo, ref, sha));
      });
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/git/refs/{ref}",
    token: "contents:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call, "push");
      const ref = `refs/${call.params.ref}`;
      return forge.alone(repo.id, async () => {
        const old = await objectAt(forge, repo, ref);
        if (old === undefined || ref.startsWith("refs/pull/")) throw new Refusal(422, "Reference does not exist");
        if (ref === `refs/heads/${repo.default_branch}`) throw new Refusal(422, "Cannot delete the default branch");
        heed(call, repo, ref, "delete");
        await forge.git.moveRef(repo.id, ref, noCommit, old.sha);
        await syncRefs(forge, repo.id, actor(call));
        return nothing;
      });
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/commits",
    token: "contents:read",
    async handle(call) {
      const repo = repoOf(call);
      const from = await call.forge.git.resolve(repo.id, call.query.get("sha") ?? repo.default_branch);
      if (from === undefined) throw new Refusal(409, "Git Repository is empty.");
      return ok(await commitViews(call.forge, repo, ["--max-count=1000", from]));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/commits/{ref}",
    token: "contents:read",
    async handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const sha = await forge.git.resolve(repo.id, call.params.ref!);
      if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${call.params.ref}`);
      const [view] = await commitViews(forge, repo, ["-1", sha]);
      const parent =
        view!.parents[0]?.sha ??
        (await forge.git.run(repo.id, ["hash-object", "-t", "tree", "-w", "--stdin"], Buffer.alloc(0)));
      const files = await diffOf(forge.git, repo.id, parent, sha);
      const additions = files.reduce((sum, file) => sum + file.additions, 0);
      const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
      const stats = { additions, deletions, total: additions + deletions };
      return ok({ ...view!, stats, files: files.slice(0, 300).map((file) => fileView(forge, repo, sha, file)) });
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/compare/{basehead}",
    token: "contents:read",
    async handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const [from, to] = call.params.basehead!.split("...");
      if (from === undefined || to === undefined) throw notFound();
      const [base, head] = [await side(forge, repo, from), await side(forge, repo, to)];
      const common = await forge.git.mergeBase(repo.id, base, head);
      if (common === undefined) throw new Refusal(404, `No common ancestor between ${from} and ${to}.`);
      const [[baseView], [mergeView], commits, behind] = await Promise.all([
        commitViews(forge, repo, ["-1", base]),
        commitViews(forge, repo, ["-1", common]),
        commitViews(forge, repo, ["--reverse", `${base}..${head}`]),
        forge.git.run(repo.id, ["rev-list", "--count", `${head}..${base}`]),
      ]);
      const [ahead, late] = [commits.length, Number(behind)];
      const page = `${repoPage(forge, repo)}/compare/${from}...${to}`;
      const files = await diffOf(forge.git, repo.id, common, head);
      return ok({
        url: `${repoUrl(forge, repo)}/compare/${from}...${to}`,
        html_url: page,
        permalink_url: `${repoPage(forge, repo)}/compare/${base}...${head}`,
        diff_url: `${page}.diff`,
        patch_url: `${page}.patch`,
        base_commit: baseView,
        merge_base_commit: mergeView,
        status: ahead > 0 && late > 0 ? "diverged" : ahead > 0 ? "ahead" : late > 0 ? "behind" : "identical",
        ahead_by: ahead,
        behind_by: late,
        total_commits: ahead,
        commits: commits.slice(0, 250),
        files: files.slice(0, 300).map((file) => fileView(forge, repo, head, file)),
      });
    },
  },
];
