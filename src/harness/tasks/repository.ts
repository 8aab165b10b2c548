import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Secret } from "../../base/secret.ts";
import { GitError, type GitOptions, git } from "./git.ts";

export interface Identity {
  readonly name: string;
  readonly email: string;
}

export interface RepositoryParts {
  /** Where the bare repositories lie: the harness's own folder. */
  readonly root: string;
  /** `owner/name`. */
  readonly name: string;
  readonly cloneUrl: string;
  readonly token: Secret;
}

export type Merged = { readonly tree: string } | { readonly conflicts: readonly string[] };

/** The harness's own copy of a repository: bare, so that nothing that is in it ever runs or is checked out with the harness's rights. */
export class Repository {
  readonly #parts: RepositoryParts;
  readonly #folder: string;

  constructor(parts: RepositoryParts) {
    this.#parts = parts;
    this.#folder = join(parts.root, `${parts.name.replace(/[^\w.-]/g, "_").toLowerCase()}.git`);
  }

  /** Brings the objects of branches. */
  async fetch(branches: readonly string[], signal: AbortSignal): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#git(["init", "--quiet", "--bare", "."], { signal });
    const refs = branches.map((branch) => `+refs/heads/${branch}:refs/remotes/origin/${branch}`);
    await this.#git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", this.#parts.cloneUrl, ...refs], {
      signal,
      settings: this.#login(),
    });
  }

  /** Writes a bundle of a commit and all before it, as branch `name`. */
  async bundle(commit: string, name: string, file: string, signal: AbortSignal): Promise<void> {
    const ref = `refs/heads/${name}`;
    await this.#git(["update-ref", ref, commit], { signal });
    const fresh = join(this.#folder, `bundle-${process.pid}-${Date.now()}`);
    try {
      await this.#git(["bundle", "create", "--quiet", fresh, ref], { signal });
      // A link that a sandbox put there is replaced, not followed.
      await rename(fresh, file);
    } finally {
      await rm(fresh, { force: true });
    }
  }

  /** Takes objects from a pack that a sandbox wrote, of at most `most` bytes, each checked. */
  async take(pack: string, most: number, signal: AbortSignal): Promise<void> {
    await this.#git(["index-pack", "--stdin", "--strict", `--max-input-size=${most}`], {
      signal,
      input: { file: pack, from: 0 },
    });
  }

  /** Whether an object is there, as a type. */
  async has(id: string, type: "commit" | "tree"): Promise<boolean> {
    try {
      return (await this.#git(["cat-file", "-t", id], {})).trim() === type;
    } catch (error) {
      if (error instanceof GitError) return false;
      throw error;
    }
  }

  /** The commit of a branch that was fetched. */
  async fetched(branch: string): Promise<string> {
    return (await this.#git(["rev-parse", "--verify", `refs/remotes/origin/${branch}^{commit}`], {})).trim();
  }

  /** Whether a commit is another one, or came after it. */
  async contains(commit: string, other: string): Promise<boolean> {
    try {
      await this.#git(["merge-base", "--is-ancestor", other, commit], {});
      return true;
    } catch (error) {
      if (error instanceof GitError) return false;
      throw error;
    }
  }

  /** The newest commit that two have in common. */
  async mergeBase(one: string, other: string): Promise<string | undefined> {
    try {
      return (await this.#git(["merge-base", one, other], {})).trim();
    } catch (error) {
      if (error instanceof GitError) return undefined;
      throw error;
    }
  }

  async treeOf(commit: string): Promise<string> {
    return (await this.#git(["rev-parse", "--verify", `${commit}^{tree}`], {})).trim();
  }

  /** Files that differ, as `git diff --numstat` counts, and the diff itself; the diff of binary files is left out. */
  async diff(
    from: string,
    to: string,
  ): Promise<{ files: { path: string; added: number; deleted: number; mode: string }[]; text: string }> {
    const how = ["--no-ext-diff", "--no-textconv", "--no-renames", "--no-color"];
    const raw = await this.#git(["diff-tree", "-r", "-z", "--raw", "--numstat", ...how, from, to], {});
    const text = await this.#git(["diff-tree", "-r", "-p", ...how, from, to], {});
    const modes = new Map<string, string>();
    const files: { path: string; added: number; deleted: number; mode: string }[] = [];
    const parts = raw.split("\0");
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!;
      if (part.startsWith(":")) modes.set(parts[++at] ?? "", part.split(" ")[1] ?? "");
      else if (part !== "") {
        const [added, deleted, ...path] = part.split("\t");
        const name = path.join("\t");
        files.push({
          path: name,
          added: Number(added) || 0,
          deleted: Number(deleted) || 0,
          mode: modes.get(name) ?? "",
        });
      }
    }
    return { files, text };
  }

  /** What a link in a tree points to. */
  async linkTarget(tree: string, path: string): Promise<string> {
    return this.#git(["cat-file", "blob", `${tree}:${path}`], {});
  }

  /** The same input gives the same commit: `at` is when (ms), to the second. */
  async commit(
    { tree, parent, message, at }: { tree: string; parent: string; message: string; at: number },
    { name, email }: Identity,
  ): Promise<string> {
    const date = `${Math.floor(at / 1000)} +0000`;
    const environment = {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    };
    return (await this.#git(["commit-tree", tree, "-p", parent, "-F", "-"], { environment, input: message })).trim();
  }

  /** What a commit is on top of another one. */
  async merge(onto: string, commit: string): Promise<Merged> {
    try {
      return { tree: (await this.#git(["merge-tree", "--write-tree", onto, commit], {})).split("\n")[0]! };
    } catch (error) {
      // An old git has no such command, which is as bad as a conflict.
      if (error instanceof GitError) return { conflicts: [error.message] };
      throw error;
    }
  }

  /** Moves a branch of the forge forward to a commit; never by force, never anything else. */
  async push(commit: string, branch: string, signal: AbortSignal): Promise<void> {
    if (!/^olympus\/issue-\d+$/.test(branch)) throw new Error(`not a branch of ours: ${branch}`);
    const args = ["push", "--quiet", "--no-follow-tags", this.#parts.cloneUrl, `${commit}:refs/heads/${branch}`];
    await this.#git(args, { signal, settings: this.#login() });
  }

  /** By the environment of that one git: no command line, no file, no other host. */
  #login(): Record<string, string> {
    const { cloneUrl, token } = this.#parts;
    const basic = Buffer.from(`x-access-token:${token.reveal()}`).toString("base64");
    return { [`http.${new URL(cloneUrl).origin}/.extraHeader`]: `Authorization: Basic ${basic}` };
  }

  #git(args: readonly string[], options: Omit<GitOptions, "folder">): Promise<string> {
    return git(args, { ...options, folder: this.#folder });
  }
}
