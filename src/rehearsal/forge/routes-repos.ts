import {
  actor,
  findRepo,
  findUser,
  may,
  now,
  type Role,
  type Route,
  repoById,
  repoOf,
  reposOf,
  roleOf,
  roles,
  tokenReaches,
} from "./context.ts";
import { invalid, notFound, nothing, ok, Refusal, textOf } from "./http.ts";
import { syncRefs } from "./refs.ts";
import { addRepo } from "./setup.ts";
import { fullRepoView, fullUserView, repoView, userView, userViewOf } from "./views.ts";

/** Users, repositories and who works in them. */
const roleNames: Record<Role, string> = {
  pull: "read",
  triage: "triage",
  push: "write",
  maintain: "maintain",
  admin: "admin",
};
const permissionNames: Record<Role, string> = {
  pull: "read",
  triage: "read",
  push: "write",
  maintain: "write",
  admin: "admin",
};
const permissionsOf = (role: Role) =>
  Object.fromEntries(roles.map((one) => [one, roles.indexOf(role) >= roles.indexOf(one)]));

export const repoRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/user",
    token: "none",
    handle: (call) => ok(fullUserView(call.forge, actor(call))),
  },
  {
    method: "GET",
    path: "/users/{username}",
    token: "none",
    handle(call) {
      const user = findUser(call.forge, call.params.username!);
      if (user === undefined) throw notFound();
      return ok(fullUserView(call.forge, user));
    },
  },
  {
    method: "GET",
    path: "/user/repos",
    token: "metadata:read",
    handle(call) {
      const user = actor(call);
      const mine = reposOf(call.forge).filter(
        (repo) =>
          tokenReaches(call.token, repo) &&
          (repo.owner_id === user.id ||
            call.forge.db.count(
              "SELECT count(*) AS n FROM collaborators WHERE repo_id = ? AND user_id = ?",
              repo.id,
              user.id,
            ) > 0),
      );
      return ok(mine.map((repo) => repoView(call.forge, repo, user)));
    },
  },
  {
    method: "POST",
    path: "/user/repos",
    token: "administration:write",
    async handle(call) {
      const { forge, body } = call;
      const user = actor(call);
      const name = String(textOf(body, "name", { resource: "Repository" }));
      if (!/^[\w.-]{1,100}$/.test(name)) throw invalid("Repository", "name");
      if (findRepo(forge, user.login, name) !== undefined)
        throw new Refusal(422, "Repository creation failed.", [
          { resource: "Repository", code: "custom", field: "name", message: "name already exists on this account" },
        ]);
      const description = textOf(body, "description");
      const files = body.auto_init === true ? { "README.md": `# ${name}\n` } : {};
      const repo = await addRepo(forge, user, { name, private: body.private === true, description, files });
      return ok(fullRepoView(forge, repo, user), 201);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}",
    token: "metadata:read",
    handle: (call) => ok(fullRepoView(call.forge, repoOf(call), call.user)),
  },
  {
    method: "PATCH",
    path: "/repos/{owner}/{repo}",
    token: "administration:write",
    async handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call, "admin");
      const name = textOf(body, "name") ?? repo.name;
      const branch = textOf(body, "default_branch") ?? repo.default_branch;
      if (!/^[\w.-]{1,100}$/.test(name)) throw invalid("Repository", "name");
      if ((await forge.git.resolve(repo.id, `refs/heads/${branch}`)) === undefined && branch !== repo.default_branch)
        throw invalid("Repository", "default_branch");
      forge.db.transaction(() => {
        // Whoever still uses the old name is sent on.
        if (name !== repo.name)
          forge.db.run("INSERT OR REPLACE INTO former_names VALUES (?, ?, ?)", repo.owner_id, repo.name, repo.id);
        const description = textOf(body, "description") ?? repo.description;
        forge.db.run(
          "UPDATE repos SET name = ?, default_branch = ?, description = ?, updated_at = ? WHERE id = ?",
          name,
          branch,
          description,
          now(forge),
          repo.id,
        );
      });
      await forge.git.run(repo.id, ["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
      return ok(fullRepoView(forge, repoById(forge, repo.id), call.user));
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/forks",
    token: "metadata:read",
    handle(call) {
      const repo = repoOf(call);
      return ok(
        reposOf(call.forge)
          .filter(({ parent_id }) => parent_id === repo.id)
          .map((fork) => repoView(call.forge, fork)),
      );
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/forks",
    token: "contents:read",
    async handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const user = actor(call);
      const name = textOf(call.body, "name") ?? repo.name;
      if (repo.owner_id === user.id) throw new Refusal(403, "You cannot fork your own repository.");
      const existing = findRepo(forge, user.login, name);
      if (existing !== undefined) return ok(fullRepoView(forge, existing, user), 202);
      const fork = await addRepo(forge, user, {
        name,
        private: repo.private === 1,
        description: repo.description ?? undefined,
        branch: repo.default_branch,
        parent: repo.id,
      });
      await forge.git.run(fork.id, [
        "fetch",
        "--quiet",
        forge.git.folder(repo.id),
        "+refs/heads/*:refs/heads/*",
        "+refs/tags/*:refs/tags/*",
      ]);
      await forge.alone(fork.id, () => syncRefs(forge, fork.id, user));
      const payload = { forkee: repoView(forge, fork), repository: repoView(forge, repo) };
      forge.emit(repo, "fork", payload, user);
      return ok(fullRepoView(forge, repoById(forge, fork.id), user), 202);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/collaborators",
    token: "metadata:read",
    handle(call) {
      const repo = repoOf(call, "push");
      const rows = call.forge.db.all<{ user_id: number; role: Role }>(
        "SELECT user_id, role FROM collaborators WHERE repo_id = ?",
        repo.id,
      );
      return ok(
        [{ user_id: repo.owner_id, role: "admin" as Role }, ...rows].map(({ user_id, role }) => ({
          ...userViewOf(call.forge, user_id),
          permissions: permissionsOf(role),
          role_name: roleNames[role],
        })),
      );
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/collaborators/{username}/permission",
    token: "metadata:read",
    handle(call) {
      const repo = repoOf(call);
      const user = findUser(call.forge, call.params.username!);
      if (user === undefined) throw notFound();
      const role = roleOf(call.forge, repo, user);
      const view = {
        ...userView(call.forge, user),
        permissions: permissionsOf(role ?? "pull"),
        role_name: role === undefined ? "none" : roleNames[role],
      };
      return ok({
        permission: role === undefined ? "none" : permissionNames[role],
        role_name: view.role_name,
        user: view,
      });
    },
  },
  {
    method: "PUT",
    path: "/repos/{owner}/{repo}/collaborators/{username}",
    token: "administration:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call, "admin");
      const user = findUser(forge, call.params.username!);
      if (user === undefined) throw notFound();
      const role = textOf(call.body, "permission") ?? "push";
      if (!(roles as readonly string[]).includes(role)) throw invalid("Repository", "permission");
      // Without the letter of invitation that GitHub sends: who is asked is in.
      forge.db.run(
        "INSERT INTO collaborators VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET role = excluded.role",
        repo.id,
        user.id,
        role,
      );
      return nothing;
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/collaborators/{username}",
    token: "administration:write",
    handle(call) {
      const repo = repoOf(call, "admin");
      const user = findUser(call.forge, call.params.username!);
      if (user !== undefined)
        call.forge.db.run("DELETE FROM collaborators WHERE repo_id = ? AND user_id = ?", repo.id, user.id);
      return nothing;
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/assignees/{assignee}",
    token: "issues:read",
    handle(call) {
      const repo = repoOf(call);
      const user = findUser(call.forge, call.params.assignee!);
      if (user === undefined || !may(call.forge, repo, user, "triage")) throw notFound();
      return nothing;
    },
  },
];
