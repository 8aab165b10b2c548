import { actor, type Call, type Forge, issueByNumber, now } from "./context.ts";
import { diffOf, type FileDiff, placeOf } from "./diff.ts";
import { bounded, numberOf, Refusal, textOf } from "./http.ts";
import { touch } from "./issues.ts";
import { diffBase, reviewCommentView, reviewView, simplePullView } from "./pull-views.ts";
import type { IssueRow, PullRow, RepoRow, ReviewCommentRow, ReviewRow } from "./rows.ts";
import { repoView } from "./views.ts";

/** What reviews are made of: a verdict on a commit, and remarks on lines of its diff. */
export const unprocessable = (...errors: string[]): Refusal => new Refusal(422, "Unprocessable Entity", errors);
export const verdictOf = { APPROVE: "APPROVED", REQUEST_CHANGES: "CHANGES_REQUESTED", COMMENT: "COMMENTED" } as const;

export interface Remark {
  readonly body: string;
  readonly path: string;
  readonly line: number;
  readonly side: "LEFT" | "RIGHT";
  readonly startLine: number | undefined;
  readonly startSide: string | undefined;
  readonly hunk: string;
  readonly position: number;
}

/** A remark of the request with its place in the diff. 422 in `refuse`'s words where there is none. */
export function remarkOf(
  files: readonly FileDiff[],
  given: Readonly<Record<string, unknown>>,
  refuse: (what: "path" | "line") => Refusal,
): Remark {
  const body = bounded(
    "PullRequestReviewComment",
    "body",
    String(textOf(given, "body", { resource: "PullRequestReviewComment" })),
  );
  const path = String(textOf(given, "path", { resource: "PullRequestReviewComment" }));
  const file = files.find((one) => one.path === path);
  if (file === undefined) throw refuse("path");
  const side = textOf(given, "side") === "LEFT" ? "LEFT" : "RIGHT";
  const position = numberOf(given, "position");
  const line = numberOf(given, "line") ?? (position === undefined ? undefined : lineAt(file.patch, position));
  const place = line === undefined ? undefined : placeOf(file.patch, line, side);
  if (line === undefined || place === undefined) throw refuse("line");
  const startLine = numberOf(given, "start_line");
  const startSide = textOf(given, "start_side") ?? (startLine === undefined ? undefined : side);
  if (
    startLine !== undefined &&
    (startLine >= line || placeOf(file.patch, startLine, startSide === "LEFT" ? "LEFT" : "RIGHT") === undefined)
  )
    throw refuse("line");
  return { body, path, line, side, startLine, startSide, ...place };
}

/** The new file's line at a position of the patch: the older way to say where. */
function lineAt(patch: string | undefined, position: number): number | undefined {
  for (let line = 1; line < 1_000_000; line++) {
    const place = placeOf(patch, line, "RIGHT");
    if (place?.position === position) return line;
    if (place !== undefined && place.position > position) return undefined;
  }
  return undefined;
}

export function addRemark(
  forge: Forge,
  issue: IssueRow,
  review: number,
  user: number,
  commit: string,
  remark: Remark,
  reply?: number,
): ReviewCommentRow {
  const at = now(forge);
  const { id } = forge.db.run(
    `INSERT INTO review_comments (issue_id, review_id, user_id, body, path, line, side, start_line, start_side, commit_id, hunk, position, in_reply_to, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    issue.id,
    review,
    user,
    remark.body,
    remark.path,
    remark.line,
    remark.side,
    remark.startLine ?? null,
    remark.startSide ?? null,
    commit,
    remark.hunk,
    remark.position,
    reply ?? null,
    at,
    at,
  );
  return forge.db.get<ReviewCommentRow>("SELECT * FROM review_comments WHERE id = ?", id)!;
}

export function addReview(
  forge: Forge,
  issue: IssueRow,
  user: number,
  state: string,
  body: string,
  commit: string,
): ReviewRow {
  const { id } = forge.db.run(
    "INSERT INTO reviews (issue_id, user_id, state, body, commit_id, submitted_at) VALUES (?, ?, ?, ?, ?, ?)",
    issue.id,
    user,
    state,
    body,
    commit,
    now(forge),
  );
  return forge.db.get<ReviewRow>("SELECT * FROM reviews WHERE id = ?", id)!;
}

/** Tells hooks of a review and each of its remarks. */
export function announce(
  call: Call,
  repo: RepoRow,
  issue: IssueRow,
  pull: PullRow,
  review: ReviewRow,
  remarks: readonly ReviewCommentRow[],
): void {
  const { forge } = call;
  const fresh = issueByNumber(forge, repo, issue.number);
  const common = { pull_request: simplePullView(forge, repo, fresh, pull), repository: repoView(forge, repo) };
  const view = reviewView(forge, repo, issue, review);
  const shown = { ...view, state: review.state.toLowerCase(), body: review.body === "" ? null : review.body };
  forge.emit(repo, "pull_request_review", { action: "submitted", review: shown, ...common }, actor(call));
  for (const remark of remarks)
    forge.emit(
      repo,
      "pull_request_review_comment",
      { action: "created", comment: reviewCommentView(forge, repo, issue, remark), ...common },
      actor(call),
    );
}

export async function commitAndFiles(
  call: Call,
  repo: RepoRow,
  pull: PullRow,
): Promise<{ commit: string; files: FileDiff[] }> {
  const { forge } = call;
  const commit = textOf(call.body, "commit_id") ?? pull.head_sha;
  const base = await diffBase(forge, repo, pull);
  const known = /^[0-9a-f]{40}$/.test(commit) && (await forge.git.resolve(repo.id, commit)) !== undefined;
  if (!known || !(await forge.git.isAncestor(repo.id, commit, pull.head_sha)))
    throw unprocessable("Commit is not part of the pull request");
  return { commit, files: await diffOf(forge.git, repo.id, base, commit) };
}

/** A remark by itself is a review of its own, without text. */
export function single(
  call: Call,
  repo: RepoRow,
  issue: IssueRow,
  pull: PullRow,
  commit: string,
  remark: Remark,
  reply?: number,
): ReviewCommentRow {
  const { forge } = call;
  return forge.db.transaction(() => {
    const review = addReview(forge, issue, actor(call).id, "COMMENTED", "", commit);
    const made = addRemark(forge, issue, review.id, actor(call).id, commit, remark, reply);
    touch(forge, issue);
    announce(call, repo, issue, pull, review, [made]);
    return made;
  });
}
