import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const noCommit = "0".repeat(40);

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Identity {
  readonly name: string;
  readonly email: string;
  /** ISO 8601; now unless given. */
  readonly date?: string | undefined;
}

/**
 * Run for every ref that a push wants to move. What is protected comes in the environment, a line a branch:
 * <ref> <only by pull request> <forced pushes allowed> <deletion allowed>.
 */
const updateHook = `#!/bin/sh
case $1 in refs/pull/*) echo "error: deny updating a hidden ref" >&2; exit 1 ;; esac
zero=${noCommit}
while read -r ref pulls force delete; do
  [ "$ref" = "$1" ] || continue
  why=
  if [ "$3" = $zero ]; then [ "$delete" = 1 ] || why="Cannot delete this branch."
  elif [ "$2" != $zero ] && ! git merge-base --is-ancestor "$2" "$3"; then [ "$force" = 1 ] || why="Cannot force-push to this branch."
  fi
  if [ -z "$why" ] && [ "$pulls" = 1 ]; then why="Changes must be made through a pull request."; fi
  [ -z "$why" ] && continue
  echo "error: GH006: Protected branch update failed for $1." >&2
  echo "error: $why" >&2
  exit 1
done <<LIST
$FORGE_PROTECTED
LIST
`;

/** The repositories on disk: bare, named by id, so that a renamed one stays where it is. Every call is a git process. */
export class Git {
  readonly root: string;
  readonly #home: string;

  constructor(dir: string) {
    this.root = join(dir, "git");
    this.#home = join(dir, "home");
    mkdirSync(this.root, { recursive: true });
    mkdirSync(join(this.#home, "hooks"), { recursive: true });
    writeFileSync(join(this.#home, "hooks", "update"), updateHook, { mode: 0o755 });
  }

  folder(repo: number): string {
    return join(this.root, `${repo}.git`);
  }

  /** Nothing of this machine's settings reaches git: the same forge everywhere. */
  environment(): Record<string, string> {
    const settings = [
      ["core.hooksPath", join(this.#home, "hooks")],
      ["http.receivepack", "true"],
      ["transfer.fsckObjects", "true"],
      ["uploadpack.allowReachableSHA1InWant", "true"],
      ["gc.auto", "0"],
      ["safe.directory", "*"],
    ];
    return {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: this.#home,
      LANG: "C.UTF-8",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_COUNT: String(settings.length),
      ...Object.fromEntries(
        settings.flatMap(([key, value], at) => [
          [`GIT_CONFIG_KEY_${at}`, key],
          [`GIT_CONFIG_VALUE_${at}`, value],
        ]),
      ),
    };
  }

  /** Runs git in a repository. Rejects only when it cannot be started. */
  try(repo: number, args: readonly string[], input?: Buffer, extra?: Record<string, string>): Promise<GitResult> {
    return new Promise((resolve, reject) => {
      const child = spawn("git", args, { cwd: this.folder(repo), env: { ...this.environment(), ...extra } });
      const out: Buffer[] = [];
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString("utf8");
      });
      child.once("error", reject);
      child.once("close", (code) => resolve({ code: code ?? 1, stdout: Buffer.concat(out), stderr }));
      // A git that ends early closes its input: its exit code says why.
      child.stdin.once("error", () => undefined);
      child.stdin.end(input);
    });
  }

  /** Like `try`, trimmed text; throws with git's own words when it fails. */
  async run(repo: number, args: readonly string[], input?: Buffer, extra?: Record<string, string>): Promise<string> {
    const { code, stdout, stderr } = await this.try(repo, args, input, extra);
    if (code !== 0) throw new Error(`git ${args[0]}: ${stderr.trim()}`);
    return stdout.toString("utf8").trimEnd();
  }

  async init(repo: number, branch: string): Promise<void> {
    mkdirSync(this.folder(repo), { recursive: true });
    await this.run(repo, ["init", "--quiet", "--bare", `--initial-branch=${branch}`, "."]);
  }

  /** The object that `name` means as a `type`, or undefined. */
  async resolve(repo: number, name: string, type = "commit"): Promise<string | undefined> {
    const { code, stdout } = await this.try(repo, [
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${name}^{${type}}`,
    ]);
    return code === 0 ? stdout.toString("utf8").trim() : undefined;
  }

  /** Moves a ref if it still is at `from` (`noCommit`: does not exist); says whether it did. Atomic: one of several callers wins. */
  async moveRef(repo: number, ref: string, to: string, from: string): Promise<boolean> {
    const args = to === noCommit ? ["update-ref", "-d", ref, from] : ["update-ref", ref, to, from];
    return (await this.try(repo, args)).code === 0;
  }

  async refs(repo: number, ...patterns: string[]): Promise<Map<string, string>> {
    const text = await this.run(repo, ["for-each-ref", "--format=%(refname) %(objectname)", ...patterns]);
    return new Map(
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(" ") as [string, string]),
    );
  }

  async isAncestor(repo: number, older: string, newer: string): Promise<boolean> {
    return (await this.try(repo, ["merge-base", "--is-ancestor", older, newer])).code === 0;
  }

  async mergeBase(repo: number, one: string, other: string): Promise<string | undefined> {
    const { code, stdout } = await this.try(repo, ["merge-base", one, other]);
    return code === 0 ? stdout.toString("utf8").trim() : undefined;
  }

  /** Makes a commit object; no ref moves. */
  commit(repo: number, tree: string, parents: readonly string[], message: string, author: Identity): Promise<string> {
    const { name, email, date } = author;
    const who = {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
    };
    const when = date === undefined ? {} : { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"];
    return this.run(repo, args, Buffer.from(message), { ...who, ...when });
  }

  /** The tree of `commit` (none: empty) with one file written, or taken away when `content` is undefined. */
  async treeWith(repo: number, commit: string | undefined, path: string, content: Buffer | undefined): Promise<string> {
    const index = join(this.#home, `index-${randomUUID()}`);
    const extra = { GIT_INDEX_FILE: index };
    try {
      await this.run(repo, commit === undefined ? ["read-tree", "--empty"] : ["read-tree", commit], undefined, extra);
      const blob = content === undefined ? noCommit : await this.run(repo, ["hash-object", "-w", "--stdin"], content);
      const entry = Buffer.from(`${content === undefined ? "0" : "100644"} ${blob}\t${path}\0`);
      await this.run(repo, ["update-index", "-z", "--index-info"], entry, extra);
      return await this.run(repo, ["write-tree"], undefined, extra);
    } finally {
      rmSync(index, { force: true });
    }
  }

  /** The tree that merging gives, or undefined where both sides changed the same. */
  async mergedTree(repo: number, base: string, head: string): Promise<string | undefined> {
    const { code, stdout, stderr } = await this.try(repo, ["merge-tree", "--write-tree", base, head]);
    if (code > 1) throw new Error(`git merge-tree: ${stderr}`);
    return code === 0 ? stdout.toString("utf8").split("\n")[0] : undefined;
  }
}
