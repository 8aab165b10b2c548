import type {
  Association,
  CheckRun,
  CommitStatus,
  ForgeComment,
  ForgeIssue,
  ForgePull,
  ForgeReview,
  ForgeUser,
  IssueEvent,
  Protection,
  PullFile,
  ReviewComment,
  ReviewState,
} from "../forge-port.ts";

// GitHub's answers, as far as they are used, and what they are to the harness.

export interface RawUser {
  login: string;
  id: number;
  type: string;
}

interface RawLabel {
  name?: string | null;
}

export interface RawIssue {
  number: number;
  title: string;
  body?: string | null;
  user: RawUser | null;
  author_association: string;
  labels: (RawLabel | string)[];
  assignees?: RawUser[] | null;
  state: string;
  created_at: string;
  updated_at: string;
  pull_request?: unknown;
  html_url: string;
}

export interface RawComment {
  id: number;
  user: RawUser | null;
  author_association: string;
  body?: string;
  created_at: string;
  updated_at: string;
  html_url: string;
}

export interface RawEvent {
  id: number;
  event: string;
  actor: RawUser | null;
  label?: { name: string };
  assignee?: RawUser | null;
  created_at: string;
}

export interface RawPull extends RawIssue {
  draft?: boolean;
  merged_at: string | null;
  merge_commit_sha: string | null;
  mergeable?: boolean | null;
  head: { ref: string; sha: string; repo: { full_name: string } | null };
  base: { ref: string; sha: string };
  additions?: number;
  deletions?: number;
  changed_files?: number;
  requested_reviewers?: RawUser[] | null;
}

export interface RawFile {
  filename: string;
  previous_filename?: string;
  status: string;
  additions: number;
  deletions: number;
  patch?: string;
}

export interface RawReview {
  id: number;
  user: RawUser | null;
  author_association: string;
  state: string;
  body: string;
  commit_id: string | null;
  submitted_at?: string;
  html_url: string;
}

export interface RawReviewComment extends RawComment {
  pull_request_review_id: number | null;
  path: string;
  line?: number | null;
  in_reply_to_id?: number;
}

export interface RawStatus {
  context: string;
  state: CommitStatus["state"];
  description: string | null;
  target_url: string | null;
  creator: RawUser | null;
  created_at: string;
}

export interface RawCheckRun {
  name: string;
  status: string;
  conclusion: string | null;
}

export interface RawProtection {
  required_pull_request_reviews?: { required_approving_review_count?: number; dismiss_stale_reviews?: boolean };
  required_status_checks?: { contexts?: string[] } | null;
  enforce_admins?: { enabled: boolean };
  allow_force_pushes?: { enabled: boolean };
}

const time = (text: string | undefined): number => (text === undefined ? 0 : Date.parse(text));

/** A deleted account is GitHub's ghost. */
export const userOf = (raw: RawUser | null): ForgeUser =>
  raw === null
    ? { login: "ghost", id: 0, bot: false }
    : { login: raw.login, id: raw.id, bot: raw.type === "Bot" || raw.login.endsWith("[bot]") };

function associationOf(raw: string): Association {
  const known: Record<string, Association> = {
    OWNER: "owner",
    MEMBER: "member",
    COLLABORATOR: "collaborator",
    CONTRIBUTOR: "contributor",
  };
  return known[raw] ?? "none";
}

const labelsOf = (raw: RawIssue["labels"]): string[] =>
  raw.flatMap((label) => (typeof label === "string" ? [label] : (label.name ?? [])));

export const issueOf = (raw: RawIssue): ForgeIssue => ({
  number: raw.number,
  title: raw.title,
  body: raw.body ?? "",
  author: userOf(raw.user),
  association: associationOf(raw.author_association),
  labels: labelsOf(raw.labels),
  assignees: (raw.assignees ?? []).map(({ login }) => login),
  open: raw.state === "open",
  createdAt: time(raw.created_at),
  updatedAt: time(raw.updated_at),
  isPull: raw.pull_request !== undefined,
  url: raw.html_url,
});

export const commentOf = (raw: RawComment): ForgeComment => ({
  id: raw.id,
  author: userOf(raw.user),
  association: associationOf(raw.author_association),
  body: raw.body ?? "",
  createdAt: time(raw.created_at),
  updatedAt: time(raw.updated_at),
  url: raw.html_url,
});

const eventKinds: ReadonlySet<string> = new Set([
  "labeled",
  "unlabeled",
  "assigned",
  "unassigned",
  "closed",
  "reopened",
  "review_requested",
]);

export const eventsOf = (raw: readonly RawEvent[]): IssueEvent[] =>
  raw
    .filter(({ event }) => eventKinds.has(event))
    .map((one) => ({
      id: one.id,
      kind: one.event as IssueEvent["kind"],
      actor: userOf(one.actor),
      subject: one.label?.name ?? one.assignee?.login ?? "",
      at: time(one.created_at),
    }));

export const pullOf = (raw: RawPull): ForgePull => ({
  number: raw.number,
  title: raw.title,
  body: raw.body ?? "",
  author: userOf(raw.user),
  association: associationOf(raw.author_association),
  state: raw.merged_at !== null ? "merged" : raw.state === "open" ? "open" : "closed",
  draft: raw.draft ?? false,
  labels: labelsOf(raw.labels),
  head: { branch: raw.head.ref, sha: raw.head.sha, repo: raw.head.repo?.full_name },
  base: { branch: raw.base.ref, sha: raw.base.sha },
  size: { additions: raw.additions ?? 0, deletions: raw.deletions ?? 0, files: raw.changed_files ?? 0 },
  mergeable: raw.mergeable ?? undefined,
  mergedSha: raw.merged_at === null ? undefined : (raw.merge_commit_sha ?? undefined),
  requestedReviewers: (raw.requested_reviewers ?? []).map(({ login }) => login),
  createdAt: time(raw.created_at),
  updatedAt: time(raw.updated_at),
  url: raw.html_url,
});

export const fileOf = (raw: RawFile): PullFile => ({
  path: raw.filename,
  from: raw.previous_filename,
  status: raw.status,
  additions: raw.additions,
  deletions: raw.deletions,
  patch: raw.patch,
});

export const reviewOf = (raw: RawReview): ForgeReview => ({
  id: raw.id,
  author: userOf(raw.user),
  association: associationOf(raw.author_association),
  state: raw.state.toLowerCase() as ReviewState,
  body: raw.body,
  sha: raw.commit_id ?? "",
  at: time(raw.submitted_at),
  url: raw.html_url,
});

export const reviewCommentOf = (raw: RawReviewComment): ReviewComment => ({
  ...commentOf(raw),
  review: raw.pull_request_review_id ?? undefined,
  path: raw.path,
  line: raw.line ?? undefined,
  answers: raw.in_reply_to_id,
});

export const statusOf = (raw: RawStatus): CommitStatus => ({
  context: raw.context,
  state: raw.state,
  description: raw.description ?? "",
  url: raw.target_url ?? undefined,
  author: raw.creator === null ? undefined : userOf(raw.creator),
  at: time(raw.created_at),
});

/** Conclusions with which GitHub lets a required check pass. */
const passes: readonly (string | null)[] = ["success", "neutral", "skipped"];

export const checkRunOf = ({ name, status, conclusion }: RawCheckRun): CheckRun => ({
  name,
  state: status !== "completed" ? "pending" : passes.includes(conclusion) ? "success" : "failure",
});

export const protectionOf = (raw: RawProtection): Protection => ({
  reviews: raw.required_pull_request_reviews?.required_approving_review_count ?? 0,
  dismissStale: raw.required_pull_request_reviews?.dismiss_stale_reviews ?? false,
  checks: raw.required_status_checks?.contexts ?? [],
  admins: raw.enforce_admins?.enabled ?? false,
  force: raw.allow_force_pushes?.enabled ?? false,
});
