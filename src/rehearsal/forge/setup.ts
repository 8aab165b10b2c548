import { createHash } from "node:crypto";
import { z } from "zod";
import { type Forge, findRepo, findUser, now, repoById, roles } from "./context.ts";
import { noCommit } from "./git.ts";
import type { Rules } from "./protection.ts";
import { syncRefs } from "./refs.ts";
import type { RepoRow, UserRow } from "./rows.ts";

const login = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?(?:\[bot\])?$/, "Write letters, digits and single hyphens.");

/** Who and what the forge begins with. Tokens are named by their SHA-256 (hex): the file tells nobody how to log in. */
export const worldSchema = z.strictObject({
  users: z.array(
    z.strictObject({
      login,
      name: z.string().optional(),
      type: z.enum(["User", "Bot", "Organization"]).default("User"),
    }),
  ),
  tokens: z
    .array(
      z.strictObject({
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        user: login,
        permissions: z.record(z.string(), z.enum(["read", "write"])),
        repositories: z.array(z.string().regex(/^[^/]+\/[^/]+$/)).optional(),
      }),
    )
    .default([]),
  repositories: z
    .array(
      z.strictObject({
        owner: login,
        name: z.string().regex(/^[\w.-]{1,100}$/),
        description: z.string().optional(),
        private: z.boolean().default(false),
        branch: z.string().default("main"),
        files: z.record(z.string(), z.string()).default({}),
        collaborators: z.record(login, z.enum(roles)).default({}),
        protect: z
          .strictObject({
            reviews: z.int().min(0).optional(),
            dismissStale: z.boolean().default(true),
            checks: z.array(z.string()).default([]),
            strict: z.boolean().default(false),
            admins: z.boolean().default(true),
            force: z.boolean().default(false),
            deletion: z.boolean().default(false),
          })
          .optional(),
      }),
    )
    .default([]),
  /** Where every repository's webhooks go, signed with the secret that the service is given; those that were here and are not any more end. */
  hooks: z.array(z.url()).default([]),
});

export type World = z.input<typeof worldSchema>;

export const tokenHash = (token: string): string => createHash("sha256").update(token).digest("hex");

export interface NewRepo {
  readonly name: string;
  readonly private: boolean;
  readonly description?: string | undefined;
  readonly branch?: string;
  readonly parent?: number;
  readonly files?: Readonly<Record<string, string>>;
}

/** Makes a repository, with a first commit when it begins with files. */
export async function addRepo(forge: Forge, owner: UserRow, wish: NewRepo): Promise<RepoRow> {
  const { name, branch = "main", files = {} } = wish;
  const at = now(forge);
  const { id } = forge.db.run(
    "INSERT INTO repos (owner_id, name, description, private, default_branch, parent_id, created_at, updated_at, pushed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    owner.id,
    name,
    wish.description ?? null,
    wish.private ? 1 : 0,
    branch,
    wish.parent ?? null,
    at,
    at,
    at,
  );
  await forge.git.init(id, branch);
  await fill(forge, repoById(forge, id), owner, files);
  return repoById(forge, id);
}

async function fill(
  forge: Forge,
  repo: RepoRow,
  owner: UserRow,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const ref = `refs/heads/${repo.default_branch}`;
  if (Object.keys(files).length === 0 || (await forge.git.resolve(repo.id, ref)) !== undefined) return;
  const author = {
    name: owner.name ?? owner.login,
    email: `${owner.id}+${owner.login}@users.noreply.rehearsal.invalid`,
  };
  let commit: string | undefined;
  for (const [path, content] of Object.entries(files)) {
    const tree = await forge.git.treeWith(repo.id, commit, path, Buffer.from(content));
    // One commit in the end: those on the way are no parents.
    commit = await forge.git.commit(repo.id, tree, [], "Begin\n", author);
  }
  await forge.git.moveRef(repo.id, ref, commit!, noCommit);
  await forge.alone(repo.id, () => syncRefs(forge, repo.id, owner));
}

/** Brings the forge to what the file says: users, tokens and collaborators as it lists them; repositories that are there keep what they hold. */
export async function applyWorld(forge: Forge, input: World, webhookSecret?: string): Promise<void> {
  const world = worldSchema.parse(input);
  const { db } = forge;
  for (const { login: name, type, name: shown } of world.users)
    db.run(
      "INSERT INTO users (login, type, name, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET type = excluded.type, name = excluded.name",
      name,
      type,
      shown ?? null,
      now(forge),
    );
  const known = (name: string): UserRow => {
    const user = findUser(forge, name);
    if (user === undefined) throw new Error(`the forge's file names ${name}, who is not among its users`);
    return user;
  };
  db.transaction(() => {
    // A token that the file does not list any more is revoked.
    db.run("DELETE FROM tokens");
    for (const { sha256, user, permissions, repositories } of world.tokens)
      db.run(
        "INSERT INTO tokens VALUES (?, ?, ?, ?)",
        sha256,
        known(user).id,
        JSON.stringify(permissions),
        repositories === undefined ? null : JSON.stringify(repositories),
      );
  });
  for (const wish of world.repositories) {
    const owner = known(wish.owner);
    const { name, description, branch, files } = wish;
    const repo =
      findRepo(forge, wish.owner, name) ??
      (await addRepo(forge, owner, { name, description, branch, files, private: wish.private }));
    // Begun and cut off: git's side is made again where it is missing.
    await forge.git.init(repo.id, repo.default_branch);
    await fill(forge, repo, owner, files);
    for (const [who, role] of Object.entries(wish.collaborators))
      db.run(
        "INSERT INTO collaborators VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET role = excluded.role",
        repo.id,
        known(who).id,
        role,
      );
    if (wish.protect !== undefined) {
      const rules: Rules = wish.protect;
      db.run(
        "INSERT INTO protections VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rules = excluded.rules",
        repo.id,
        repo.default_branch,
        JSON.stringify(rules),
      );
    }
    applyHooks(forge, repo, world.hooks, webhookSecret);
  }
}

/** Hooks of the file; those that somebody made by the API stay. */
function applyHooks(forge: Forge, repo: RepoRow, urls: readonly string[], secret: string | undefined): void {
  const { db } = forge;
  db.transaction(() => {
    for (const { id, url } of db.all<{ id: number; url: string }>(
      "SELECT id, url FROM hooks WHERE repo_id = ? AND declared = 1",
      repo.id,
    ))
      if (!urls.includes(url)) db.run("DELETE FROM hooks WHERE id = ?", id);
    for (const url of urls) {
      const at = now(forge);
      const known = db.get<{ id: number }>(
        "SELECT id FROM hooks WHERE repo_id = ? AND url = ? AND declared = 1",
        repo.id,
        url,
      );
      if (known === undefined)
        db.run(
          `INSERT INTO hooks (repo_id, url, secret, content_type, events, active, created_at, updated_at, declared)
           VALUES (?, ?, ?, 'json', '["*"]', 1, ?, ?, 1)`,
          repo.id,
          url,
          secret ?? null,
          at,
          at,
        );
      else db.run("UPDATE hooks SET secret = ? WHERE id = ?", secret ?? null, known.id);
    }
  });
}
