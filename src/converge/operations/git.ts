import type { OperationKind } from "../change.ts";
import type { GitOperation } from "../program-operations.ts";
import { quoteAll } from "../quote.ts";
import { sha256 } from "./file.ts";
import { conflict } from "./paths.ts";

/** Detached at a commit, this file holds the commit and nothing else: no need to start git for a look. */
const headOf = ({ path }: GitOperation): string => `${path}/.git/HEAD`;

export const git: OperationKind<GitOperation> = {
  needs: (operation) => [
    { fact: "path", path: operation.path },
    { fact: "path", path: headOf(operation), contentUnless: sha256(`${operation.commit}\n`) },
    { fact: "space", path: operation.path },
  ],

  plan(operation, facts) {
    const { path, url, commit, owner = "root" } = operation;
    const have = facts.paths[path];
    const head = facts.paths[headOf(operation)];
    if (head?.sha256 === sha256(`${commit}\n`)) return undefined;
    if (have !== undefined && head === undefined) {
      throw conflict(path, have.type === "directory" ? "a folder without a git repository" : `a ${have.type}`);
    }
    // A branch by its name, a commit by itself.
    const before = head?.content?.trim().replace(/^ref: refs\/heads\//, "");
    return {
      summary: `${path}/: ${head === undefined ? "check out" : "switch to"} ${commit.slice(0, 12)}`,
      diff: [...(before === undefined ? [] : [`-${before}`]), `+${commit} of ${url}`],
      reaches: /^(https?|ssh):/.test(url) ? [url] : [],
      script: `checkout ${quoteAll([url, path, commit, owner])}`,
      records: [
        {
          resource: `path:${path}`,
          undo:
            before === undefined
              ? {
                  do: "command",
                  summary: `remove ${path}, unless somebody changed it`,
                  script: `drop_checkout ${quoteAll([path, owner])}`,
                }
              : {
                  do: "command",
                  summary: `${path}: back to ${before}`,
                  script: `git_as ${quoteAll([owner, "-C", path, "checkout", "-q", before])}`,
                },
        },
      ],
    };
  },

  claims: ({ path }) => [`path:${path}`],
};
