import { leadsOut } from "./links.ts";
import type { Repository } from "./repository.ts";
import { WorkspaceError } from "./workspace.ts";

/**
 * Looks at what a tree changes of a commit, before it leaves: throws WorkspaceError, in words for the model, for what holds a secret (having
 * called `secret`), is a repository within the repository, or a link that leads out of it.
 */
export async function seeOutgoing(
  { repository, redact }: { readonly repository: Repository; readonly redact: (text: string) => string },
  parent: string,
  tree: string,
  secret: () => void,
): Promise<void> {
  const { files, text } = await repository.diff(parent, tree);
  if (redact(text) !== text || files.some(({ path }) => redact(path) !== path)) {
    secret();
    throw new WorkspaceError("the change holds a secret of this machine; take it out");
  }
  for (const { path, mode } of files) {
    if (mode === "160000") throw new WorkspaceError(`${path} is a repository within the repository; remove it`);
    if (mode !== "120000") continue;
    if (leadsOut(path, await repository.linkTarget(tree, path)))
      throw new WorkspaceError(
        `${path} is a link that leads out of the repository, or may: ".." stands only at the beginning; remove it`,
      );
  }
}
