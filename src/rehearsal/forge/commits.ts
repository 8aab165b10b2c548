import { type Forge, findUser } from "./context.ts";
import { notFound } from "./http.ts";
import type { RepoRow } from "./rows.ts";
import { nodeId, repoPage, repoUrl, userView } from "./views.ts";

const format = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01";

/** Commits as GitHub shows them; `range` are arguments of git log, options first. */
export async function commitViews(forge: Forge, repo: RepoRow, range: readonly string[]) {
  const { code, stdout } = await forge.git.try(repo.id, ["log", `--format=${format}`, ...range, "--"]);
  if (code !== 0) throw notFound();
  return stdout
    .toString("utf8")
    .split("\x01")
    .map((entry) => entry.trimStart().split("\0"))
    .filter((fields) => fields.length === 10)
    .map(([sha, tree, parents, an, ae, ad, cn, ce, cd, message]) => {
      const url = `${repoUrl(forge, repo)}/commits/${sha}`;
      return {
        sha: sha!,
        node_id: nodeId("Commit", sha!),
        url,
        html_url: `${repoPage(forge, repo)}/commit/${sha}`,
        comments_url: `${url}/comments`,
        commit: {
          url: `${repoUrl(forge, repo)}/git/commits/${sha}`,
          author: { name: an!, email: ae!, date: utc(ad!) },
          committer: { name: cn!, email: ce!, date: utc(cd!) },
          message: message!.trimEnd(),
          comment_count: 0,
          tree: { sha: tree!, url: `${repoUrl(forge, repo)}/git/trees/${tree}` },
          verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
        },
        author: byEmail(forge, ae!),
        committer: byEmail(forge, ce!),
        parents: parents!
          .split(" ")
          .filter(Boolean)
          .map((parent) => ({
            sha: parent,
            url: `${repoUrl(forge, repo)}/commits/${parent}`,
            html_url: `${repoPage(forge, repo)}/commit/${parent}`,
          })),
      };
    });
}

const utc = (date: string): string => new Date(date).toISOString().replace(/\.\d+/, "");

/** Whoever owns the address that GitHub gives each account: <id>+<login>@users.noreply.… */
function byEmail(forge: Forge, email: string) {
  const login = /^\d+\+([^@]+)@users\.noreply\./.exec(email)?.[1];
  const user = login === undefined ? undefined : findUser(forge, login);
  return user === undefined ? null : userView(forge, user);
}
