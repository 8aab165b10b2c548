import { type Forge, repoById } from "./context.ts";
import { diffOf, type FileDiff } from "./diff.ts";
import { assigneesOf, commentsOn, issueUrl, labelsOf } from "./issue-views.ts";
import { blockedBy } from "./protection.ts";
import type { IssueRow, PullRow, RepoRow, ReviewCommentRow, ReviewRow } from "./rows.ts";
import { association, nodeId, reactionsView, repoPage, repoUrl, repoView, userViewOf } from "./views.ts";

/** What GitHub's answers say of pull requests and their reviews. */
export const pullUrl = (forge: Forge, repo: RepoRow, issue: IssueRow): string =>
  `${repoUrl(forge, repo)}/pulls/${issue.number}`;
const pullPage = (forge: Forge, repo: RepoRow, issue: IssueRow): string =>
  `${repoPage(forge, repo)}/pull/${issue.number}`;

function end(forge: Forge, repo: RepoRow, ref: string, sha: string) {
  const user = userViewOf(forge, repo.owner_id);
  return { label: `${repo.owner}:${ref}`, ref, sha, user, repo: repoView(forge, repo) };
}

export function simplePullView(forge: Forge, repo: RepoRow, issue: IssueRow, pull: PullRow) {
  const url = pullUrl(forge, repo, issue);
  const page = pullPage(forge, repo, issue);
  const assignees = assigneesOf(forge, issue);
  const statuses = `${repoUrl(forge, repo)}/statuses/${pull.head_sha}`;
  const reviewers = forge.db.all<{ user_id: number }>(
    "SELECT user_id FROM review_requests WHERE issue_id = ? ORDER BY rowid",
    issue.id,
  );
  const link = (href: string) => ({ href });
  return {
    url,
    id: issue.id,
    node_id: nodeId("PullRequest", issue.id),
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: issueUrl(forge, repo, issue),
    number: issue.number,
    state: issue.state,
    locked: false,
    title: issue.title,
    user: userViewOf(forge, issue.user_id),
    body: issue.body,
    created_at: issue.created_at,
    updated_at: issue.updated_at,
    closed_at: issue.closed_at,
    merged_at: pull.merged_at,
    merge_commit_sha: pull.merge_sha,
    assignee: assignees[0] ?? null,
    assignees,
    requested_reviewers: reviewers.map(({ user_id }) => userViewOf(forge, user_id)),
    requested_teams: [],
    labels: labelsOf(forge, repo, issue).map((label) => ({ ...label, description: label.description ?? "" })),
    milestone: null,
    draft: pull.draft === 1,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${repoUrl(forge, repo)}/pulls/comments{/number}`,
    comments_url: `${issueUrl(forge, repo, issue)}/comments`,
    statuses_url: statuses,
    head: end(forge, repoById(forge, pull.head_repo_id), pull.head_ref, pull.head_sha),
    base: end(forge, repo, pull.base_ref, pull.base_sha),
    _links: {
      self: link(url),
      html: link(page),
      issue: link(issueUrl(forge, repo, issue)),
      comments: link(`${issueUrl(forge, repo, issue)}/comments`),
      review_comments: link(`${url}/comments`),
      review_comment: link(`${repoUrl(forge, repo)}/pulls/comments{/number}`),
      commits: link(`${url}/commits`),
      statuses: link(statuses),
    },
    author_association: association(forge, repo, issue.user_id),
    auto_merge: null,
    active_lock_reason: null,
  };
}

export interface Measured {
  readonly mergeable: boolean | null;
  readonly commits: number;
  readonly files: readonly FileDiff[];
}

const unmeasured: Measured = { mergeable: null, commits: 0, files: [] };

/** Where the pull request's diff begins: where its branch left the base, kept as it was once merged. */
export async function diffBase({ git }: Forge, repo: RepoRow, pull: PullRow): Promise<string> {
  return (await git.mergeBase(repo.id, pull.base_sha, pull.head_sha)) ?? pull.base_sha;
}

/** What only git knows of a pull request. */
export async function measure(forge: Forge, repo: RepoRow, pull: PullRow): Promise<Measured> {
  const base = await diffBase(forge, repo, pull);
  const [files, commits, tree] = await Promise.all([
    diffOf(forge.git, repo.id, base, pull.head_sha),
    forge.git.run(repo.id, ["rev-list", "--count", `${base}..${pull.head_sha}`]),
    forge.git.mergedTree(repo.id, pull.base_sha, pull.head_sha),
  ]);
  return { files, commits: Number(commits), mergeable: pull.merged_at === null ? tree !== undefined : null };
}

/** Unmeasured, `mergeable` is null, as GitHub says while it still finds out. */
export function pullView(forge: Forge, repo: RepoRow, issue: IssueRow, pull: PullRow, measured: Measured = unmeasured) {
  const { mergeable, commits, files } = measured;
  const sum = (of: (file: FileDiff) => number) => files.reduce((total, file) => total + of(file), 0);
  const blocked = blockedBy(forge, repo, issue, pull) !== undefined;
  const known = mergeable === false ? "dirty" : pull.draft === 1 ? "draft" : blocked ? "blocked" : "clean";
  const comments = forge.db.count("SELECT count(*) AS n FROM review_comments WHERE issue_id = ?", issue.id);
  return {
    ...simplePullView(forge, repo, issue, pull),
    merged: pull.merged_at !== null,
    mergeable,
    rebaseable: null,
    mergeable_state: mergeable === null ? "unknown" : known,
    merged_by: pull.merged_by === null ? null : userViewOf(forge, pull.merged_by),
    comments: commentsOn(forge, issue),
    review_comments: comments,
    maintainer_can_modify: false,
    commits,
    additions: sum((file) => file.additions),
    deletions: sum((file) => file.deletions),
    changed_files: files.length,
  };
}

export function fileView(forge: Forge, repo: RepoRow, sha: string, file: FileDiff) {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  return {
    sha: file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${repoPage(forge, repo)}/blob/${sha}/${path}`,
    raw_url: `${repoPage(forge, repo)}/raw/${sha}/${path}`,
    contents_url: `${repoUrl(forge, repo)}/contents/${path}?ref=${sha}`,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
    ...(file.previous === undefined ? {} : { previous_filename: file.previous }),
  };
}

export function reviewView(forge: Forge, repo: RepoRow, issue: IssueRow, review: ReviewRow) {
  const html = `${pullPage(forge, repo, issue)}#pullrequestreview-${review.id}`;
  const pull = pullUrl(forge, repo, issue);
  return {
    id: review.id,
    node_id: nodeId("PullRequestReview", review.id),
    user: userViewOf(forge, review.user_id),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: pull,
    author_association: association(forge, repo, review.user_id),
    _links: { html: { href: html }, pull_request: { href: pull } },
    ...(review.submitted_at === null ? {} : { submitted_at: review.submitted_at }),
    commit_id: review.commit_id,
  };
}

export function reviewCommentView(forge: Forge, repo: RepoRow, issue: IssueRow, comment: ReviewCommentRow) {
  const url = `${repoUrl(forge, repo)}/pulls/comments/${comment.id}`;
  const html = `${pullPage(forge, repo, issue)}#discussion_r${comment.id}`;
  const pull = pullUrl(forge, repo, issue);
  const current = comment.outdated === 0;
  return {
    url,
    pull_request_review_id: comment.review_id,
    id: comment.id,
    node_id: nodeId("PullRequestReviewComment", comment.id),
    diff_hunk: comment.hunk,
    path: comment.path,
    commit_id: comment.commit_id,
    original_commit_id: comment.commit_id,
    user: userViewOf(forge, comment.user_id),
    body: comment.body,
    created_at: comment.created_at,
    updated_at: comment.updated_at,
    html_url: html,
    pull_request_url: pull,
    author_association: association(forge, repo, comment.user_id),
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: pull } },
    reactions: reactionsView(forge, "review_comment", comment.id, url),
    start_line: current ? comment.start_line : null,
    original_start_line: comment.start_line,
    start_side: comment.start_side,
    line: current ? comment.line : null,
    original_line: comment.line,
    side: comment.side,
    // A line that a later push moved away is outdated: no position any more.
    position: current ? comment.position : null,
    original_position: comment.position,
    subject_type: "line",
    ...(comment.in_reply_to === null ? {} : { in_reply_to_id: comment.in_reply_to }),
  };
}
