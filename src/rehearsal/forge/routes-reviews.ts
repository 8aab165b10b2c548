import { actor, type Call, issueByNumber, pullCall, type Route, repoOf } from "./context.ts";
import { bounded, isObject, notFound, ok, Refusal, textOf } from "./http.ts";
import { touch } from "./issues.ts";
import { reviewCommentView, reviewView, simplePullView } from "./pull-views.ts";
import {
  addRemark,
  addReview,
  announce,
  commitAndFiles,
  remarkOf,
  single,
  unprocessable,
  verdictOf,
} from "./reviews.ts";
import type { IssueRow, ReviewCommentRow, ReviewRow } from "./rows.ts";
import { repoView } from "./views.ts";

/** Reviews and their remarks on lines. */
const reviewOf = (call: Call, issue: IssueRow): ReviewRow => {
  const row = call.forge.db.get<ReviewRow>(
    "SELECT * FROM reviews WHERE id = ? AND issue_id = ?",
    Number(call.params.review_id),
    issue.id,
  );
  if (row === undefined) throw notFound();
  return row;
};

const base = "/repos/{owner}/{repo}/pulls/{pull_number}";

export const reviewRoutes: readonly Route[] = [
  {
    method: "GET",
    path: `${base}/reviews`,
    token: "pull_requests:read",
    handle(call) {
      const repo = repoOf(call);
      const { issue } = pullCall(call, repo);
      const rows = call.forge.db.all<ReviewRow>("SELECT * FROM reviews WHERE issue_id = ? ORDER BY id", issue.id);
      return ok(rows.map((row) => reviewView(call.forge, repo, issue, row)));
    },
  },
  {
    method: "POST",
    path: `${base}/reviews`,
    token: "pull_requests:write",
    async handle(call) {
      const { forge, body } = call;
      const repo = repoOf(call);
      const { issue, pull } = pullCall(call, repo);
      const user = actor(call);
      const event = textOf(body, "event");
      if (event === undefined)
        throw unprocessable("Reviews that wait for their submission are not played here: name an event");
      if (!(event in verdictOf))
        throw unprocessable(`Variable $event of type PullRequestReviewEvent was provided invalid value`);
      const text = bounded("PullRequestReview", "body", textOf(body, "body") ?? "");
      if (user.id === issue.user_id && event === "APPROVE")
        throw unprocessable("Review Can not approve your own pull request");
      if (user.id === issue.user_id && event === "REQUEST_CHANGES")
        throw unprocessable("Review Can not request changes on your own pull request");
      const given = Array.isArray(body.comments) ? (body.comments as unknown[]).filter(isObject) : [];
      if (event !== "APPROVE" && text.trim() === "" && given.length === 0)
        throw unprocessable("Review Body can't be blank");
      const { commit, files } = await commitAndFiles(call, repo, pull);
      const refuse = (what: "path" | "line") =>
        unprocessable(`${what === "path" ? "Path" : "Line"} could not be resolved`);
      const remarks = given.map((one) => remarkOf(files, one, refuse));
      return forge.db.transaction(() => {
        const review = addReview(forge, issue, user.id, verdictOf[event as keyof typeof verdictOf], text, commit);
        const made = remarks.map((remark) => addRemark(forge, issue, review.id, user.id, commit, remark));
        forge.db.run("DELETE FROM review_requests WHERE issue_id = ? AND user_id = ?", issue.id, user.id);
        touch(forge, issue);
        announce(call, repo, issue, pull, review, made);
        return ok(reviewView(forge, repo, issue, review));
      });
    },
  },
  {
    method: "GET",
    path: `${base}/reviews/{review_id}`,
    token: "pull_requests:read",
    handle(call) {
      const repo = repoOf(call);
      const { issue } = pullCall(call, repo);
      return ok(reviewView(call.forge, repo, issue, reviewOf(call, issue)));
    },
  },
  {
    method: "PUT",
    path: `${base}/reviews/{review_id}`,
    token: "pull_requests:write",
    handle(call) {
      const repo = repoOf(call);
      const { issue } = pullCall(call, repo);
      if (reviewOf(call, issue).user_id !== actor(call).id) throw new Refusal(403, "Can not edit another's review");
      const text = bounded(
        "PullRequestReview",
        "body",
        String(textOf(call.body, "body", { resource: "PullRequestReview" })),
      );
      call.forge.db.run("UPDATE reviews SET body = ? WHERE id = ?", text, Number(call.params.review_id));
      touch(call.forge, issue);
      return ok(reviewView(call.forge, repo, issue, reviewOf(call, issue)));
    },
  },
  {
    method: "GET",
    path: `${base}/reviews/{review_id}/comments`,
    token: "pull_requests:read",
    handle(call) {
      const repo = repoOf(call);
      const { issue } = pullCall(call, repo);
      const rows = call.forge.db.all<ReviewCommentRow>(
        "SELECT * FROM review_comments WHERE review_id = ? ORDER BY id",
        reviewOf(call, issue).id,
      );
      return ok(rows.map((row) => reviewCommentView(call.forge, repo, issue, row)));
    },
  },
  {
    method: "PUT",
    path: `${base}/reviews/{review_id}/dismissals`,
    token: "pull_requests:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call, "push");
      const { issue, pull } = pullCall(call, repo);
      const review = reviewOf(call, issue);
      textOf(call.body, "message", { resource: "PullRequestReview" });
      if (!["APPROVED", "CHANGES_REQUESTED"].includes(review.state))
        throw unprocessable("Can not dismiss a commented pull request review");
      forge.db.run("UPDATE reviews SET state = 'DISMISSED' WHERE id = ?", review.id);
      touch(forge, issue);
      const view = reviewView(forge, repo, issue, reviewOf(call, issue));
      const payload = {
        review: { ...view, state: "dismissed" },
        pull_request: simplePullView(forge, repo, issue, pull),
      };
      forge.emit(
        repo,
        "pull_request_review",
        { action: "dismissed", ...payload, repository: repoView(forge, repo) },
        actor(call),
      );
      return ok(view);
    },
  },
  {
    method: "GET",
    path: `${base}/comments`,
    token: "pull_requests:read",
    handle(call) {
      const repo = repoOf(call);
      const { issue } = pullCall(call, repo);
      const rows = call.forge.db.all<ReviewCommentRow>(
        "SELECT * FROM review_comments WHERE issue_id = ? AND updated_at >= ? ORDER BY id",
        issue.id,
        call.query.get("since") ?? "",
      );
      return ok(rows.map((row) => reviewCommentView(call.forge, repo, issue, row)));
    },
  },
  {
    method: "POST",
    path: `${base}/comments`,
    token: "pull_requests:write",
    async handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const { issue, pull } = pullCall(call, repo);
      const { commit, files } = await commitAndFiles(call, repo, pull);
      const remark = remarkOf(files, call.body, (what) => {
        const field = `pull_request_review_thread.${what}`;
        return new Refusal(422, "Validation Failed", [
          { resource: "PullRequestReviewComment", code: "custom", field, message: `${field} must be part of the diff` },
        ]);
      });
      return ok(reviewCommentView(forge, repo, issue, single(call, repo, issue, pull, commit, remark)), 201);
    },
  },
  {
    method: "POST",
    path: `${base}/comments/{comment_id}/replies`,
    token: "pull_requests:write",
    handle(call) {
      const { forge } = call;
      const repo = repoOf(call);
      const { issue, pull } = pullCall(call, repo);
      const to = forge.db.get<ReviewCommentRow>(
        "SELECT * FROM review_comments WHERE id = ? AND issue_id = ?",
        Number(call.params.comment_id),
        issue.id,
      );
      if (to === undefined) throw notFound();
      const body = bounded(
        "PullRequestReviewComment",
        "body",
        String(textOf(call.body, "body", { resource: "PullRequestReviewComment" })),
      );
      const remark = { ...to, body, startLine: to.start_line ?? undefined, startSide: to.start_side ?? undefined };
      return ok(
        reviewCommentView(
          forge,
          repo,
          issue,
          single(call, repo, issue, pull, to.commit_id, remark, to.in_reply_to ?? to.id),
        ),
        201,
      );
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/comments",
    token: "pull_requests:read",
    handle(call) {
      const repo = repoOf(call);
      const way = call.query.get("direction") === "desc" ? "DESC" : "ASC";
      const sort = call.query.get("sort") === "updated" ? "updated_at" : "id";
      const rows = call.forge.db.all<ReviewCommentRow & { number: number }>(
        `SELECT review_comments.*, number FROM review_comments JOIN issues ON issues.id = issue_id
         WHERE repo_id = ? AND review_comments.updated_at >= ? ORDER BY review_comments.${sort} ${way}, review_comments.id ${way}`,
        repo.id,
        call.query.get("since") ?? "",
      );
      return ok(
        rows.map((row) => reviewCommentView(call.forge, repo, issueByNumber(call.forge, repo, row.number), row)),
      );
    },
  },
];
