import { commitViews } from "./commits.ts";
import { actor, type Call, type Forge, type Route, repoOf } from "./context.ts";
import { noCommit } from "./git.ts";
import { isObject, notFound, ok, Refusal, textOf } from "./http.ts";
import { heed } from "./protection-api.ts";
import { syncRefs } from "./refs.ts";
import type { RepoRow } from "./rows.ts";
import { repoPage, repoUrl } from "./views.ts";

/** Files of a repository, read and written by API. */
const contentView = (
  forge: Forge,
  repo: RepoRow,
  path: string,
  ref: string,
  sha: string,
  size: number,
  type: string,
) => {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const url = `${repoUrl(forge, repo)}/contents/${encoded}?ref=${encodeURIComponent(ref)}`;
  const kind = type === "tree" ? "tree" : "blob";
  const git = `${repoUrl(forge, repo)}/git/${kind}s/${sha}`;
  const html = `${repoPage(forge, repo)}/${kind}/${ref}/${encoded}`;
  const download = type === "tree" ? null : `${repoPage(forge, repo)}/raw/${ref}/${encoded}`;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const common = { name, path, sha, size, url, html_url: html, git_url: git, download_url: download };
  return { ...common, type: type === "tree" ? "dir" : "file", _links: { self: url, git, html } };
};

async function readContents(call: Call) {
  const { forge, query } = call;
  const repo = repoOf(call);
  const path = (call.params.path ?? "").replace(/^\/+|\/+$/g, "");
  const ref = query.get("ref") ?? repo.default_branch;
  const commit = await forge.git.resolve(repo.id, ref);
  if (commit === undefined)
    throw new Refusal(404, query.has("ref") ? `No commit found for the ref ${ref}` : "This repository is empty.");
  const kind = await forge.git.try(repo.id, ["cat-file", "-t", `${commit}:${path}`]);
  if (kind.code !== 0) throw notFound();
  if (kind.stdout.toString().trim() === "tree") {
    const tree = await forge.git.run(repo.id, ["ls-tree", "-l", "-z", `${commit}:${path}`]);
    const entries = tree.split("\0").filter(Boolean);
    return ok(
      entries.map((entry) => {
        const [, type, sha, size, name] = /^\d+ (\w+) (\w+) +(\S+)\t(.*)$/s.exec(entry)!;
        return contentView(forge, repo, path === "" ? name! : `${path}/${name}`, ref, sha!, Number(size) || 0, type!);
      }),
    );
  }
  const sha = await forge.git.run(repo.id, ["rev-parse", `${commit}:${path}`]);
  const { stdout } = await forge.git.try(repo.id, ["cat-file", "blob", sha]);
  const content = stdout.toString("base64").replace(/.{60}/g, "$&\n");
  return ok({ ...contentView(forge, repo, path, ref, sha, stdout.length, "blob"), content, encoding: "base64" });
}

function writeContents(call: Call, remove: boolean) {
  const { forge, body } = call;
  const repo = repoOf(call, "push");
  const user = actor(call);
  const path = call.params.path ?? "";
  if (path.split("/").some((part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git"))
    throw new Refusal(422, "path contains a malformed path component");
  const branch = textOf(body, "branch") ?? repo.default_branch;
  const message = String(textOf(body, "message", { resource: "Commit" }));
  const content = remove ? undefined : Buffer.from(textOf(body, "content") ?? "", "base64");
  heed(call, repo, `refs/heads/${branch}`, "write");
  return forge.alone(repo.id, async () => {
    const parent = await forge.git.resolve(repo.id, `refs/heads/${branch}`);
    if (parent === undefined && branch !== repo.default_branch) throw new Refusal(404, `Branch ${branch} not found`);
    const old = parent && (await forge.git.try(repo.id, ["rev-parse", "--verify", "--quiet", `${parent}:${path}`]));
    const before = old && old.code === 0 ? old.stdout.toString().trim() : undefined;
    if (remove && before === undefined) throw notFound();
    const given = textOf(body, "sha");
    if (before !== undefined && given === undefined)
      throw new Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.');
    if (given !== undefined && given !== before) throw new Refusal(409, `${path} does not match ${given}`);
    const given2 = isObject(body.author) ? body.author : isObject(body.committer) ? body.committer : {};
    const author = {
      name: String(given2.name ?? user.name ?? user.login),
      email: String(given2.email ?? `${user.id}+${user.login}@users.noreply.rehearsal.invalid`),
    };
    const tree = await forge.git.treeWith(repo.id, parent, path, content);
    const commit = await forge.git.commit(repo.id, tree, parent === undefined ? [] : [parent], message, author);
    if (!(await forge.git.moveRef(repo.id, `refs/heads/${branch}`, commit, parent ?? noCommit)))
      throw new Refusal(409, `is at ${parent} but expected ${commit}`);
    await syncRefs(forge, repo.id, user);
    const [view] = await commitViews(forge, repo, ["-1", commit]);
    const { sha: id, node_id, html_url, parents } = view!;
    const made = { sha: id, node_id, html_url, parents, ...view!.commit };
    if (remove) return ok({ content: null, commit: made });
    const blob = await forge.git.run(repo.id, ["rev-parse", `${commit}:${path}`]);
    return ok(
      { content: contentView(forge, repo, path, branch, blob, content!.length, "blob"), commit: made },
      before === undefined ? 201 : 200,
    );
  });
}

export const contentRoutes: readonly Route[] = [
  { method: "GET", path: "/repos/{owner}/{repo}/contents/{path}", token: "contents:read", handle: readContents },
  {
    method: "PUT",
    path: "/repos/{owner}/{repo}/contents/{path}",
    token: "contents:write",
    handle: (call) => writeContents(call, false),
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/contents/{path}",
    token: "contents:write",
    handle: (call) => writeContents(call, true),
  },
];
