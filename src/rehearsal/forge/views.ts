import { type Forge, repoById, roleOf, roles, userById } from "./context.ts";
import type { RepoRow, UserRow } from "./rows.ts";

/** What GitHub's answers say of users and repositories. Fields that nothing here knows have the value of a bare account. */
export const apiOf = ({ url }: Forge): string => `${url}/api/v3`;
export const repoUrl = (forge: Forge, repo: RepoRow): string => `${apiOf(forge)}/repos/${repo.owner}/${repo.name}`;
export const repoPage = (forge: Forge, repo: RepoRow): string => `${forge.url}/${repo.owner}/${repo.name}`;
/** Opaque and stable, as GitHub's are. */
export const nodeId = (kind: string, id: number | string): string => Buffer.from(`${kind}:${id}`).toString("base64url");

export function userView(forge: Forge, user: UserRow) {
  // A bot's name has brackets, which no address has.
  const name = encodeURIComponent(user.login);
  const url = `${apiOf(forge)}/users/${name}`;
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId("User", user.id),
    avatar_url: `${forge.url}/${name}.png`,
    gravatar_id: "",
    url,
    html_url: `${forge.url}/${name}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: user.type,
    user_view_type: "public",
    site_admin: false,
  };
}

export const userViewOf = (forge: Forge, id: number) => userView(forge, userById(forge, id));

export function fullUserView(forge: Forge, user: UserRow) {
  return {
    ...userView(forge, user),
    name: user.name,
    company: null,
    blog: "",
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: forge.db.count("SELECT count(*) AS n FROM repos WHERE owner_id = ? AND private = 0", user.id),
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: user.created_at,
    updated_at: user.created_at,
  };
}

const collections = {
  archive_url: "{archive_format}{/ref}",
  assignees_url: "assignees{/user}",
  blobs_url: "git/blobs{/sha}",
  branches_url: "branches{/branch}",
  collaborators_url: "collaborators{/collaborator}",
  comments_url: "comments{/number}",
  commits_url: "commits{/sha}",
  compare_url: "compare/{base}...{head}",
  contents_url: "contents/{+path}",
  contributors_url: "contributors",
  deployments_url: "deployments",
  downloads_url: "downloads",
  events_url: "events",
  forks_url: "forks",
  git_commits_url: "git/commits{/sha}",
  git_refs_url: "git/refs{/sha}",
  git_tags_url: "git/tags{/sha}",
  hooks_url: "hooks",
  issue_comment_url: "issues/comments{/number}",
  issue_events_url: "issues/events{/number}",
  issues_url: "issues{/number}",
  keys_url: "keys{/key_id}",
  labels_url: "labels{/name}",
  languages_url: "languages",
  merges_url: "merges",
  milestones_url: "milestones{/number}",
  notifications_url: "notifications{?since,all,participating}",
  pulls_url: "pulls{/number}",
  releases_url: "releases{/id}",
  stargazers_url: "stargazers",
  statuses_url: "statuses/{sha}",
  subscribers_url: "subscribers",
  subscription_url: "subscription",
  tags_url: "tags",
  teams_url: "teams",
  trees_url: "git/trees{/sha}",
};

export function repoView(forge: Forge, repo: RepoRow, viewer?: UserRow) {
  const { db } = forge;
  const url = repoUrl(forge, repo);
  const page = repoPage(forge, repo);
  const open = db.count("SELECT count(*) AS n FROM issues WHERE repo_id = ? AND state = 'open'", repo.id);
  const forks = db.count("SELECT count(*) AS n FROM repos WHERE parent_id = ?", repo.id);
  const role = roleOf(forge, repo, viewer);
  const has = (least: (typeof roles)[number]) => role !== undefined && roles.indexOf(role) >= roles.indexOf(least);
  return {
    id: repo.id,
    node_id: nodeId("Repository", repo.id),
    name: repo.name,
    full_name: `${repo.owner}/${repo.name}`,
    private: repo.private === 1,
    owner: userViewOf(forge, repo.owner_id),
    html_url: page,
    description: repo.description,
    fork: repo.parent_id !== null,
    url,
    ...Object.fromEntries(Object.entries(collections).map(([key, path]) => [key, `${url}/${path}`])),
    git_url: `${page.replace(/^https?:/, "git:")}.git`,
    ssh_url: `git@${new URL(forge.url).hostname}:${repo.owner}/${repo.name}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    homepage: null,
    created_at: repo.created_at,
    updated_at: repo.updated_at,
    pushed_at: repo.pushed_at,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: true,
    has_projects: false,
    has_downloads: true,
    has_wiki: false,
    has_pages: false,
    has_discussions: false,
    forks_count: forks,
    mirror_url: null,
    archived: false,
    disabled: false,
    open_issues_count: open,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [] as string[],
    visibility: repo.private === 1 ? "private" : "public",
    forks,
    open_issues: open,
    watchers: 0,
    default_branch: repo.default_branch,
    ...(viewer === undefined
      ? {}
      : {
          permissions: {
            admin: has("admin"),
            maintain: has("maintain"),
            push: has("push"),
            triage: has("triage"),
            pull: has("pull"),
          },
        }),
  };
}

/** One repository asked for by name: more than lists say. */
export function fullRepoView(forge: Forge, repo: RepoRow, viewer?: UserRow) {
  const view = repoView(forge, repo, viewer);
  const parent = repo.parent_id === null ? undefined : repoView(forge, repoById(forge, repo.parent_id));
  return {
    ...view,
    network_count: view.forks_count,
    subscribers_count: 0,
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_rebase_merge: false,
    delete_branch_on_merge: false,
    ...(parent === undefined ? {} : { parent, source: parent }),
  };
}

export type Association = "OWNER" | "COLLABORATOR" | "CONTRIBUTOR" | "NONE";

/** What someone is to a repository, as GitHub tells it of authors. */
export function association({ db }: Forge, repo: RepoRow, user: number): Association {
  if (user === repo.owner_id) return "OWNER";
  if (db.count("SELECT count(*) AS n FROM collaborators WHERE repo_id = ? AND user_id = ?", repo.id, user) > 0) {
    return "COLLABORATOR";
  }
  const merged = db.count(
    "SELECT count(*) AS n FROM pulls JOIN issues ON issues.id = pulls.issue_id WHERE repo_id = ? AND user_id = ? AND merged_at IS NOT NULL",
    repo.id,
    user,
  );
  return merged > 0 ? "CONTRIBUTOR" : "NONE";
}

const reactionNames = ["+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket"] as const;

/** Counts of reactions to something that lives at `url`. */
export function reactionsView({ db }: Forge, subject: string, id: number, url: string) {
  const counts = new Map(
    db
      .all<{ content: string; n: number }>(
        "SELECT content, count(*) AS n FROM reactions WHERE subject = ? AND subject_id = ? GROUP BY content",
        subject,
        id,
      )
      .map(({ content, n }) => [content, n]),
  );
  return {
    url: `${url}/reactions`,
    total_count: [...counts.values()].reduce((sum, n) => sum + n, 0),
    ...(Object.fromEntries(reactionNames.map((name) => [name, counts.get(name) ?? 0])) as Record<
      (typeof reactionNames)[number],
      number
    >),
  };
}
