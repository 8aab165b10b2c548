/** The forge as the harness sees it, whatever the service. `repo` is `owner/name`; times are the forge's, ms; `sha` a whole commit id. */

/** Someone with an account. `login` is compared without case. */
export interface ForgeUser {
  readonly login: string;
  readonly id: number;
  /** An app or a bot account. */
  readonly bot: boolean;
}

/** What the forge says of an author's standing in a repository. */
export type Association = "owner" | "member" | "collaborator" | "contributor" | "none";

export interface ForgeRepo {
  /** As the forge calls it now: a renamed repository has its new name. */
  readonly name: string;
  readonly defaultBranch: string;
  readonly private: boolean;
  readonly archived: boolean;
  /** MiB, as the forge estimates. */
  readonly size: number;
  /** For git over HTTP, without credentials. */
  readonly cloneUrl: string;
}

/** An issue, or what a pull request has of one. */
export interface ForgeIssue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly author: ForgeUser;
  readonly association: Association;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  readonly open: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly isPull: boolean;
  /** For people. */
  readonly url: string;
}

export interface NewIssue {
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
}

export interface ForgeComment {
  readonly id: number;
  readonly author: ForgeUser;
  readonly association: Association;
  readonly body: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly url: string;
}

/** Who did something to an issue, newest last: put a label on, assigned somebody. */
export interface IssueEvent {
  readonly id: number;
  readonly kind: "labeled" | "unlabeled" | "assigned" | "unassigned" | "closed" | "reopened" | "review_requested";
  readonly actor: ForgeUser;
  /** The label, or the login of who was assigned. */
  readonly subject: string;
  readonly at: number;
}

export interface ForgePull {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly author: ForgeUser;
  readonly association: Association;
  readonly state: "open" | "closed" | "merged";
  readonly draft: boolean;
  readonly labels: readonly string[];
  readonly head: {
    readonly branch: string;
    readonly sha: string /** Undefined when its repository is gone. */;
    readonly repo: string | undefined;
  };
  readonly base: { readonly branch: string; readonly sha: string };
  /** Lines added and deleted, files changed. */
  readonly size: { readonly additions: number; readonly deletions: number; readonly files: number };
  /** Undefined while the forge works it out. */
  readonly mergeable: boolean | undefined;
  /** The merge's commit, once merged. */
  readonly mergedSha: string | undefined;
  readonly requestedReviewers: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly url: string;
}

export interface NewPull {
  readonly title: string;
  readonly body: string;
  readonly head: string;
  readonly base: string;
  readonly draft: boolean;
}

export interface PullFile {
  readonly path: string;
  /** Of a renamed file. */
  readonly from: string | undefined;
  readonly status: string;
  readonly additions: number;
  readonly deletions: number;
  /** Its part of the diff; undefined for binary files and where the forge leaves it out for its size. */
  readonly patch: string | undefined;
}

export type ReviewState = "approved" | "changes_requested" | "commented" | "dismissed" | "pending";

export interface ForgeReview {
  readonly id: number;
  readonly author: ForgeUser;
  readonly association: Association;
  readonly state: ReviewState;
  readonly body: string;
  /** The commit that was looked at. */
  readonly sha: string;
  readonly at: number;
  readonly url: string;
}

/** A comment on a line of a diff. */
export interface ReviewComment extends ForgeComment {
  readonly review: number | undefined;
  readonly path: string;
  /** Of the new file; undefined when the line is outdated. */
  readonly line: number | undefined;
  /** The comment that this one answers. */
  readonly answers: number | undefined;
}

/** Agents never approve: there is no such verdict. */
export interface NewReview {
  readonly sha: string;
  readonly verdict: "comment" | "request_changes";
  readonly body: string;
  /** Lines of the new file that are within the diff: others are refused whole (`refused`). */
  readonly comments: readonly { readonly path: string; readonly line: number; readonly body: string }[];
}

export interface CommitStatus {
  readonly context: string;
  readonly state: "pending" | "success" | "failure" | "error";
  readonly description: string;
  readonly url: string | undefined;
  readonly author: ForgeUser | undefined;
  readonly at: number;
}

/** What a program that looks at commits says of one: a job of the forge's own CI, or of an app. */
export interface CheckRun {
  readonly name: string;
  readonly state: "pending" | "success" | "failure";
}

export interface Protection {
  /** Approving reviews that a merge needs; 0: none. */
  readonly reviews: number;
  readonly dismissStale: boolean;
  /** Contexts that must be green. */
  readonly checks: readonly string[];
  readonly admins: boolean;
  readonly force: boolean;
}

/**
 * `retry`: may work later (network, limits, the forge's own errors). `missing`: not there, or not to be seen with this token. `refused`: will
 * never work as asked. `unauthorised`: not with this token.
 */
export type ForgeErrorKind = "retry" | "missing" | "refused" | "unauthorised";

export class ForgeError extends Error {
  readonly kind: ForgeErrorKind;
  readonly status: number | undefined;
  /** What the forge asked us to wait, ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: ForgeErrorKind,
    message: string,
    details: { status?: number | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "ForgeError";
    this.kind = kind;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** What reading takes: all that a reviewer's token may do, but for reviews and statuses. */
export interface ForgeReader {
  account(): Promise<ForgeUser>;
  repo(repo: string): Promise<ForgeRepo>;
  /**
   * Issues and pull requests that changed at or after `since`, each once, oldest change first, at most some hundred: whoever gets so many
   * asks again from the newest. Undefined when the forge says that nothing changed since the same question (which costs no request), unless
   * `known` is wanted too: by whoever may not have come to do something about the answer before.
   */
  changed(repo: string, since: number, known?: boolean): Promise<readonly ForgeIssue[] | undefined>;
  issue(repo: string, number: number): Promise<ForgeIssue>;
  /** Of one author, newest first, one page. */
  issuesBy(repo: string, login: string): Promise<ForgeIssue[]>;
  /** Open ones with a label, oldest first, at most some hundred. */
  issuesLabelled(repo: string, label: string): Promise<ForgeIssue[]>;
  events(repo: string, number: number): Promise<IssueEvent[]>;
  /** Oldest first; those changed at or after `since` when given. */
  comments(repo: string, number: number, since?: number): Promise<ForgeComment[]>;
  /** The commit of a branch; undefined when there is none. */
  branch(repo: string, branch: string): Promise<string | undefined>;
  /** Branches whose name begins so, with their commits. */
  branches(repo: string, prefix: string): Promise<{ readonly name: string; readonly sha: string }[]>;
  /** A file's text at a commit or branch; undefined when there is none, or it is no text of at most a megabyte. */
  file(repo: string, path: string, ref: string): Promise<string | undefined>;
  pull(repo: string, number: number): Promise<ForgePull>;
  /** Open and closed ones of a branch of this repository, newest first. */
  pullsOf(repo: string, branch: string): Promise<ForgePull[]>;
  /** Open ones, newest first, one page. */
  openPulls(repo: string): Promise<ForgePull[]>;
  /** At most a thousand: `size.files` of the pull request says how many there are. */
  files(repo: string, number: number): Promise<PullFile[]>;
  /** Between two commits: what a push brought. Undefined when the first is no ancestor (a forced push), and when the forge does not tell all of it. */
  compare(repo: string, from: string, to: string): Promise<PullFile[] | undefined>;
  reviews(repo: string, number: number): Promise<ForgeReview[]>;
  reviewComments(repo: string, number: number, since?: number): Promise<ReviewComment[]>;
  /** The newest of each context. */
  statuses(repo: string, sha: string): Promise<CommitStatus[]>;
  /** The newest of each name; none where the token may not read them. */
  checks(repo: string, sha: string): Promise<CheckRun[]>;
  /** Undefined when the branch is not protected. */
  protection(repo: string, branch: string): Promise<Protection | undefined>;
}

/**
 * A forge, with one token. Every promise settles within a bounded time, unless the forge asks to wait for its limits, and rejects with
 * nothing but `ForgeError`. Waits and repeats are the adapter's: what makes something is repeated only where it is known not to have
 * happened. Implementations pass test/contract/harness-forge.test.ts.
 */
export interface Forge extends ForgeReader {
  createIssue(repo: string, issue: NewIssue): Promise<ForgeIssue>;
  closeIssue(repo: string, number: number): Promise<void>;
  /** What is there already stays: labels and assignees are added. Unknown labels are made; who cannot be assigned is left out. */
  addLabels(repo: string, number: number, labels: readonly string[]): Promise<void>;
  removeLabel(repo: string, number: number, label: string): Promise<void>;
  assign(repo: string, number: number, logins: readonly string[]): Promise<void>;
  unassign(repo: string, number: number, logins: readonly string[]): Promise<void>;
  comment(repo: string, number: number, body: string): Promise<ForgeComment>;
  editComment(repo: string, id: number, body: string): Promise<void>;
  /** False when there is a branch of that name: somebody else was first. */
  createBranch(repo: string, branch: string, sha: string): Promise<boolean>;
  deleteBranch(repo: string, branch: string): Promise<void>;
  /** Gives the one that is open for that branch, where there is one. */
  openPull(repo: string, pull: NewPull): Promise<ForgePull>;
  editPull(repo: string, number: number, change: { readonly title?: string; readonly body?: string }): Promise<void>;
  requestReviews(repo: string, number: number, logins: readonly string[]): Promise<void>;
  submitReview(repo: string, number: number, review: NewReview): Promise<ForgeReview>;
  /** An own review's text. */
  editReview(repo: string, number: number, review: number, body: string): Promise<void>;
  /** Takes back that an own review wants changes; it holds a merge up no longer. */
  dismissReview(repo: string, number: number, review: number, message: string): Promise<void>;
  setStatus(
    repo: string,
    sha: string,
    status: Pick<CommitStatus, "context" | "state" | "description" | "url">,
  ): Promise<void>;
  /** Merges exactly this head; rejects with `refused` when the branch moved or the forge does not let it. Gives the merge's commit. */
  merge(repo: string, number: number, head: string, title: string): Promise<string>;
}
