import { rm } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "../../base/quote.ts";
import { inside } from "../sandbox/mounts.ts";
import type { RunSandbox } from "../sandbox/sandbox.ts";
import { GitError } from "./git.ts";
import type { Repository } from "./repository.ts";

// git in a workspace is run by the sandbox only: what a repository or a model puts there runs with no more rights than the model has.

/** Seconds that git may take for one of these. */
const long = 600;
const given = "given.bundle";
const work = "work.pack";

/** Something in the workspace is not as it has to be: words for the model. */
export class WorkspaceError extends Error {}

async function inSandbox(sandbox: RunSandbox, script: string, signal: AbortSignal): Promise<string> {
  const { code, output, ending } = await sandbox.run(script, long, signal);
  signal.throwIfAborted();
  if (code !== 0)
    throw new WorkspaceError(`${ending === "exited" ? "" : `${ending}: `}${output.text.trim().slice(-1000)}`);
  return output.text.trim();
}

/**
 * Puts a commit into the workspace as branch `branch`, unless a former process did: then gives true. Files that git ignores stay. `again`:
 * it is the work of this run itself, on a newer base.
 */
export async function checkOut(
  sandbox: RunSandbox,
  repository: Repository,
  { commit, branch, again = false }: { commit: string; branch: string; again?: boolean },
  signal: AbortSignal,
): Promise<boolean> {
  const bundle = join(sandbox.workspace.home, given);
  await rm(bundle, { force: true, recursive: true });
  await repository.bundle(commit, branch, bundle, signal);
  const name = quote(branch);
  // Without `again` what is there is the work of a former process. It is known by the commit that the run began at, also after `again`.
  const keep = again ? "false" : `[ "$(git rev-parse -q --verify refs/olympus/base 2>/dev/null)" = ${quote(commit)} ]`;
  const printed = await inSandbox(
    sandbox,
    `set -eu
if ${keep}; then echo kept; exit 0; fi
[ -d .git ] || git init -q .
git config user.name agent
git config user.email agent@localhost
git fetch -q --no-tags ${inside.home}/${given} +refs/heads/${name}:refs/olympus/given
git checkout -q -f --no-recurse-submodules -B ${name} refs/olympus/given
${again ? "" : `git update-ref refs/olympus/base ${quote(commit)}`}
rm -f ${inside.home}/${given}`,
    signal,
  );
  return printed === "kept";
}

/** Everything in the workspace that git does not ignore, as a tree in the harness's repository. `most` in bytes. */
export async function takeTree(
  sandbox: RunSandbox,
  repository: Repository,
  most: number,
  signal: AbortSignal,
): Promise<string> {
  const pack = join(sandbox.workspace.home, work);
  await rm(pack, { force: true, recursive: true });
  const printed = await inSandbox(
    sandbox,
    `set -eu
[ -d .git ] || { echo "the workspace is no git repository any more"; exit 1; }
git add -A .
tree=$(git write-tree)
commit=$(git commit-tree "$tree" -m work)
echo "$commit" | git pack-objects -q --revs --stdout > ${inside.home}/${work}
echo "tree $tree"`,
    signal,
  );
  const tree = /^tree ([0-9a-f]{40})$/m.exec(printed)?.[1];
  if (tree === undefined) throw new WorkspaceError(`git gave no tree: ${printed.slice(-500)}`);
  try {
    await repository.take(pack, most, signal);
  } catch (error) {
    if (error instanceof GitError) throw new WorkspaceError(`what git packed cannot be taken: ${error.message}`);
    throw error;
  } finally {
    await rm(pack, { force: true, recursive: true });
  }
  if (!(await repository.has(tree, "tree"))) throw new WorkspaceError("git gave a tree that is not in its pack");
  return tree;
}
