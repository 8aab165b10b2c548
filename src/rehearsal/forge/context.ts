import { randomUUID } from "node:crypto";
import type { Database } from "./database.ts";
import type { Git } from "./git.ts";
import { notFound, Refusal, type Reply } from "./http.ts";
import type { IssueRow, PullRow, RepoRow, TokenRow, UserRow } from "./rows.ts";

/** What every part of the forge works with. */
export interface Forge {
  readonly db: Database;
  readonly git: Git;
  /** Where people's browsers and git find it: `http://address:port`, no slash at the end. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Queues a webhook delivery for every hook of the repository that wants the event. */
  readonly emit: (repo: RepoRow, event: string, payload: Record<string, unknown>, sender: UserRow) => void;
  /** Runs `work` after what is under way for that repository: whatever moves refs goes through it. */
  readonly alone: <T>(repo: number, work: () => Promise<T>) => Promise<T>;
}

/** A request that has been let in. */
export interface Call {
  readonly forge: Forge;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  /** Undefined: nobody logged in. */
  readonly user: UserRow | undefined;
  readonly token: TokenRow | undefined;
}

/** `issues:write`: what the token must be allowed; `none`: any. */
export type Permission = "none" | `${string}:${"read" | "write"}`;
export const roles = ["pull", "triage", "push", "maintain", "admin"] as const;
export type Role = (typeof roles)[number];

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As GitHub's description writes it: its tests look the schemas up by it. */
  readonly path: string;
  readonly token: Permission;
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

/** Now, as GitHub writes times. */
export function now({ clock }: Forge): string {
  return new Date(clock()).toISOString().replace(/\.\d+/, "");
}

export function newGuid(): string {
  return randomUUID();
}

const repoColumns = "repos.*, users.login AS owner FROM repos JOIN users ON users.id = repos.owner_id";

export function repoById({ db }: Forge, id: number): RepoRow {
  const row = db.get<RepoRow>(`SELECT ${repoColumns} WHERE repos.id = ?`, id);
  if (row === undefined) throw notFound();
  return row;
}

/** By its name, or by one that it had before. */
export function findRepo({ db }: Forge, owner: string, name: string): RepoRow | undefined {
  return (
    db.get<RepoRow>(`SELECT ${repoColumns} WHERE users.login = ? AND repos.name = ?`, owner, name) ??
    db.get<RepoRow>(
      `SELECT ${repoColumns} JOIN former_names ON former_names.repo_id = repos.id
       JOIN users AS former ON former.id = former_names.owner_id WHERE former.login = ? AND former_names.name = ?`,
      owner,
      name,
    )
  );
}

export function reposOf({ db }: Forge): RepoRow[] {
  return db.all<RepoRow>(`SELECT ${repoColumns} ORDER BY users.login, repos.name`);
}

export function userById({ db }: Forge, id: number): UserRow {
  const row = db.get<UserRow>("SELECT * FROM users WHERE id = ?", id);
  if (row === undefined) throw notFound();
  return row;
}

export function findUser({ db }: Forge, login: string): UserRow | undefined {
  return db.get<UserRow>("SELECT * FROM users WHERE login = ?", login);
}

/** What someone may do in a repository by who he is; the token may allow less. */
export function roleOf({ db }: Forge, repo: RepoRow, user: UserRow | undefined): Role | undefined {
  if (user !== undefined) {
    if (user.id === repo.owner_id) return "admin";
    const row = db.get<{ role: Role }>(
      "SELECT role FROM collaborators WHERE repo_id = ? AND user_id = ?",
      repo.id,
      user.id,
    );
    if (row !== undefined) return row.role;
  }
  return repo.private === 1 ? undefined : "pull";
}

export function may(forge: Forge, repo: RepoRow, user: UserRow | undefined, role: Role): boolean {
  const has = roleOf(forge, repo, user);
  return has !== undefined && roles.indexOf(has) >= roles.indexOf(role);
}

/** Whether a token reaches a repository at all: fine-grained tokens may name those they are for. */
export function tokenReaches(token: TokenRow | undefined, repo: RepoRow): boolean {
  if (token === undefined || token.repositories === null) return true;
  const names = JSON.parse(token.repositories) as string[];
  return names.some((name) => name.toLowerCase() === `${repo.owner}/${repo.name}`.toLowerCase());
}

export function tokenAllows(token: TokenRow | undefined, permission: Permission): boolean {
  if (permission === "none") return true;
  const [name, level] = permission.split(":") as [string, string];
  if (token === undefined) return level === "read";
  const granted = (JSON.parse(token.permissions) as Record<string, string>)[name];
  return level === "read" ? granted !== undefined || name === "metadata" : granted === "write";
}

/** The repository that the address names, for someone with at least `role`. 404 for what he may not see, 403 for what he may not do. */
export function repoOf(call: Call, role: Role = "pull"): RepoRow {
  const repo = findRepo(call.forge, call.params.owner!, call.params.repo!);
  if (repo === undefined || !may(call.forge, repo, call.user, "pull")) throw notFound();
  if (!tokenReaches(call.token, repo) && repo.private === 1) throw notFound();
  if (role !== "pull" && !tokenReaches(call.token, repo)) throw inaccessible();
  if (!may(call.forge, repo, call.user, role)) {
    throw new Refusal(
      403,
      role === "push" ? "Must have push access to repository" : "Must have admin rights to Repository.",
    );
  }
  return repo;
}

export const inaccessible = (): Refusal => new Refusal(403, "Resource not accessible by personal access token");

/** Whoever is logged in, for what nobody does unnamed. */
export function actor({ user }: Call): UserRow {
  if (user === undefined) throw new Refusal(401, "Requires authentication");
  return user;
}

export function issueOf(call: Call, repo: RepoRow, name = "issue_number"): IssueRow {
  return issueByNumber(call.forge, repo, Number(call.params[name]));
}

export function issueByNumber({ db }: Forge, repo: RepoRow, number: number): IssueRow {
  const row = db.get<IssueRow>("SELECT * FROM issues WHERE repo_id = ? AND number = ?", repo.id, number);
  if (row === undefined) throw notFound();
  return row;
}

export function pullOf({ db }: Forge, issue: IssueRow): PullRow | undefined {
  return db.get<PullRow>("SELECT * FROM pulls WHERE issue_id = ?", issue.id);
}

/** The pull request that the address names. */
export function pullCall(call: Call, repo: RepoRow): { issue: IssueRow; pull: PullRow } {
  const issue = issueOf(call, repo, "pull_number");
  const pull = pullOf(call.forge, issue);
  if (pull === undefined) throw notFound();
  return { issue, pull };
}
