/** Rows of the forge's database, as `database.ts` makes them. Times are ISO 8601; booleans are 0 or 1. */
export interface UserRow {
  readonly id: number;
  readonly login: string;
  readonly type: "User" | "Bot" | "Organization";
  readonly name: string | null;
  readonly created_at: string;
}

export interface TokenRow {
  readonly hash: string;
  readonly user_id: number;
  /** JSON: permission -> read | write. */
  readonly permissions: string;
  /** JSON list of owner/name; null: all that the user may. */
  readonly repositories: string | null;
}

export interface RepoRow {
  readonly id: number;
  readonly owner_id: number;
  readonly owner: string;
  readonly name: string;
  readonly description: string | null;
  readonly private: number;
  readonly default_branch: string;
  readonly parent_id: number | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly pushed_at: string;
}

export interface IssueRow {
  readonly id: number;
  readonly repo_id: number;
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  readonly user_id: number;
  readonly state: "open" | "closed";
  readonly state_reason: string | null;
  readonly closed_by: number | null;
  readonly closed_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface PullRow {
  readonly issue_id: number;
  readonly head_repo_id: number;
  readonly head_ref: string;
  readonly head_sha: string;
  readonly base_ref: string;
  readonly base_sha: string;
  readonly draft: number;
  readonly merged_at: string | null;
  readonly merged_by: number | null;
  readonly merge_sha: string | null;
}

export interface LabelRow {
  readonly id: number;
  readonly name: string;
  readonly color: string;
  readonly description: string | null;
}

export interface CommentRow {
  readonly id: number;
  readonly issue_id: number;
  readonly user_id: number;
  readonly body: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface ReviewRow {
  readonly id: number;
  readonly issue_id: number;
  readonly user_id: number;
  readonly state: "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED" | "DISMISSED" | "PENDING";
  readonly body: string;
  readonly commit_id: string;
  readonly submitted_at: string | null;
}

export interface ReviewCommentRow {
  readonly id: number;
  readonly issue_id: number;
  readonly review_id: number;
  readonly user_id: number;
  readonly body: string;
  readonly path: string;
  readonly line: number;
  readonly side: "LEFT" | "RIGHT";
  readonly start_line: number | null;
  readonly start_side: string | null;
  readonly commit_id: string;
  readonly hunk: string;
  readonly position: number;
  readonly outdated: number;
  readonly in_reply_to: number | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface HookRow {
  readonly id: number;
  readonly repo_id: number;
  readonly url: string;
  readonly secret: string | null;
  readonly content_type: string;
  readonly events: string;
  readonly active: number;
  readonly created_at: string;
  readonly updated_at: string;
}
