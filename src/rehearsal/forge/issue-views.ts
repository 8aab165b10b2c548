import { type Forge, pullOf } from "./context.ts";
import type { CommentRow, IssueRow, LabelRow, RepoRow } from "./rows.ts";
import { association, nodeId, reactionsView, repoPage, repoUrl, userViewOf } from "./views.ts";

/** What GitHub's answers say of issues and what belongs to them. */
export function labelView(forge: Forge, repo: RepoRow, label: LabelRow) {
  return {
    id: label.id,
    node_id: nodeId("Label", label.id),
    url: `${repoUrl(forge, repo)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  };
}

export function labelsOf(forge: Forge, repo: RepoRow, issue: IssueRow) {
  return forge.db
    .all<LabelRow>(
      "SELECT labels.* FROM labels JOIN issue_labels ON label_id = labels.id WHERE issue_id = ? ORDER BY labels.id",
      issue.id,
    )
    .map((label) => labelView(forge, repo, label));
}

export function assigneesOf(forge: Forge, issue: IssueRow) {
  return forge.db
    .all<{ user_id: number }>("SELECT user_id FROM assignees WHERE issue_id = ? ORDER BY rowid", issue.id)
    .map(({ user_id }) => userViewOf(forge, user_id));
}

export const issueUrl = (forge: Forge, repo: RepoRow, issue: IssueRow): string =>
  `${repoUrl(forge, repo)}/issues/${issue.number}`;

export function issuePage(forge: Forge, repo: RepoRow, issue: IssueRow): string {
  return `${repoPage(forge, repo)}/${pullOf(forge, issue) === undefined ? "issues" : "pull"}/${issue.number}`;
}

export function commentsOn({ db }: Forge, issue: IssueRow): number {
  return db.count("SELECT count(*) AS n FROM comments WHERE issue_id = ?", issue.id);
}

export function issueView(forge: Forge, repo: RepoRow, issue: IssueRow) {
  const url = issueUrl(forge, repo, issue);
  const pull = pullOf(forge, issue);
  const page = issuePage(forge, repo, issue);
  const assignees = assigneesOf(forge, issue);
  return {
    url,
    repository_url: repoUrl(forge, repo),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: page,
    id: issue.id,
    node_id: nodeId("Issue", issue.id),
    number: issue.number,
    title: issue.title,
    user: userViewOf(forge, issue.user_id),
    labels: labelsOf(forge, repo, issue),
    state: issue.state,
    state_reason: issue.state_reason,
    locked: false,
    active_lock_reason: null,
    assignee: assignees[0] ?? null,
    assignees,
    milestone: null,
    comments: commentsOn(forge, issue),
    created_at: issue.created_at,
    updated_at: issue.updated_at,
    closed_at: issue.closed_at,
    closed_by: issue.closed_by === null ? null : userViewOf(forge, issue.closed_by),
    author_association: association(forge, repo, issue.user_id),
    body: issue.body,
    reactions: reactionsView(forge, "issue", issue.id, url),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    ...(pull === undefined
      ? {}
      : {
          draft: pull.draft === 1,
          pull_request: {
            url: `${repoUrl(forge, repo)}/pulls/${issue.number}`,
            html_url: page,
            diff_url: `${page}.diff`,
            patch_url: `${page}.patch`,
            merged_at: pull.merged_at,
          },
        }),
  };
}

export function commentView(forge: Forge, repo: RepoRow, issue: IssueRow, comment: CommentRow) {
  const url = `${repoUrl(forge, repo)}/issues/comments/${comment.id}`;
  return {
    url,
    html_url: `${issuePage(forge, repo, issue)}#issuecomment-${comment.id}`,
    issue_url: issueUrl(forge, repo, issue),
    id: comment.id,
    node_id: nodeId("IssueComment", comment.id),
    user: userViewOf(forge, comment.user_id),
    created_at: comment.created_at,
    updated_at: comment.updated_at,
    author_association: association(forge, repo, comment.user_id),
    body: comment.body,
    reactions: reactionsView(forge, "issue_comment", comment.id, url),
    performed_via_github_app: null,
  };
}

export interface ReactionRow {
  readonly id: number;
  readonly user_id: number;
  readonly content: string;
  readonly created_at: string;
}

export function reactionView(forge: Forge, reaction: ReactionRow) {
  return {
    id: reaction.id,
    node_id: nodeId("Reaction", reaction.id),
    user: userViewOf(forge, reaction.user_id),
    content: reaction.content,
    created_at: reaction.created_at,
  };
}

export interface EventRow {
  readonly id: number;
  readonly issue_id: number;
  readonly user_id: number;
  readonly event: string;
  readonly commit_id: string | null;
  readonly label: string | null;
  readonly assignee_id: number | null;
  readonly created_at: string;
}

/** What happened to an issue: who labelled, assigned, closed. */
export function eventView(forge: Forge, repo: RepoRow, issue: IssueRow, event: EventRow, withIssue: boolean) {
  const label = event.label === null ? undefined : (JSON.parse(event.label) as { name: string; color: string });
  const url = repoUrl(forge, repo);
  return {
    id: event.id,
    node_id: nodeId("IssueEvent", event.id),
    url: `${url}/issues/events/${event.id}`,
    actor: userViewOf(forge, event.user_id),
    event: event.event,
    commit_id: event.commit_id,
    commit_url: event.commit_id === null ? null : `${url}/commits/${event.commit_id}`,
    created_at: event.created_at,
    performed_via_github_app: null,
    ...(label === undefined ? {} : { label }),
    ...(event.assignee_id === null
      ? {}
      : { assignee: userViewOf(forge, event.assignee_id), assigner: userViewOf(forge, event.user_id) }),
    ...(withIssue ? { issue: issueView(forge, repo, issue) } : {}),
  };
}
