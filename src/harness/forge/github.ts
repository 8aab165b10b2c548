import {
  type Forge,
  type ForgeComment,
  ForgeError,
  type ForgeIssue,
  type ForgePull,
  type ForgeReview,
  type NewIssue,
  type NewPull,
  type NewReview,
} from "../forge-port.ts";
import { fitting } from "./body.ts";
import { GithubReader, namesOf } from "./reader.ts";
import { type RequestParts, Requests } from "./requests.ts";
import {
  commentOf,
  issueOf,
  pullOf,
  type RawComment,
  type RawIssue,
  type RawPull,
  type RawReview,
  reviewOf,
} from "./views.ts";

const base = "/repos/{owner}/{repo}";

/** Characters that GitHub takes in a status's description. */
const mostDescription = 140;

/** GitHub with one token. */
export function github(parts: RequestParts): Forge {
  return new Github(new Requests(parts));
}

const isRefusal = (error: unknown, status: number): error is ForgeError =>
  error instanceof ForgeError && error.kind === "refused" && error.status === status;

class Github extends GithubReader implements Forge {
  async createIssue(repo: string, { title, body, labels, assignees }: NewIssue): Promise<ForgeIssue> {
    const params = { ...namesOf(repo), title, body: fitting(body), labels, assignees };
    return issueOf(await this.requests.write<RawIssue>(`POST ${base}/issues`, params));
  }

  async closeIssue(repo: string, number: number): Promise<void> {
    await this.requests.write(`PATCH ${base}/issues/{number}`, { ...namesOf(repo), number, state: "closed" });
  }

  async addLabels(repo: string, number: number, labels: readonly string[]): Promise<void> {
    await this.requests.write(`POST ${base}/issues/{number}/labels`, { ...namesOf(repo), number, labels });
  }

  async removeLabel(repo: string, number: number, label: string): Promise<void> {
    const params = { ...namesOf(repo), number, label };
    await ifThere(this.requests.write(`DELETE ${base}/issues/{number}/labels/{label}`, params));
  }

  async assign(repo: string, number: number, assignees: readonly string[]): Promise<void> {
    await this.requests.write(`POST ${base}/issues/{number}/assignees`, { ...namesOf(repo), number, assignees });
  }

  async unassign(repo: string, number: number, assignees: readonly string[]): Promise<void> {
    await this.requests.write(`DELETE ${base}/issues/{number}/assignees`, { ...namesOf(repo), number, assignees });
  }

  async comment(repo: string, number: number, body: string): Promise<ForgeComment> {
    const params = { ...namesOf(repo), number, body: fitting(body) };
    return commentOf(await this.requests.write<RawComment>(`POST ${base}/issues/{number}/comments`, params));
  }

  async editComment(repo: string, id: number, body: string): Promise<void> {
    await this.requests.write(`PATCH ${base}/issues/comments/{id}`, { ...namesOf(repo), id, body: fitting(body) });
  }

  async createBranch(repo: string, branch: string, sha: string): Promise<boolean> {
    try {
      await this.requests.write(`POST ${base}/git/refs`, { ...namesOf(repo), ref: `refs/heads/${branch}`, sha });
      return true;
    } catch (error) {
      if (isRefusal(error, 422) && /already exists/i.test(error.message)) return false;
      throw error;
    }
  }

  async deleteBranch(repo: string, branch: string): Promise<void> {
    const params = { ...namesOf(repo), ref: `heads/${branch}` };
    try {
      await ifThere(this.requests.write(`DELETE ${base}/git/refs/{+ref}`, params));
    } catch (error) {
      if (!isRefusal(error, 422) || !/does not exist/i.test(error.message)) throw error;
    }
  }

  async openPull(repo: string, { title, body, head, base: onto, draft }: NewPull): Promise<ForgePull> {
    const params = { ...namesOf(repo), title, body: fitting(body), head, base: onto, draft };
    try {
      return pullOf(await this.requests.write<RawPull>(`POST ${base}/pulls`, params));
    } catch (error) {
      if (!isRefusal(error, 422)) throw error;
      const open = (await this.pullsOf(repo, head)).find(({ state }) => state === "open");
      if (open === undefined) throw error;
      return open;
    }
  }

  async editPull(repo: string, number: number, change: { title?: string; body?: string }): Promise<void> {
    const body = change.body === undefined ? {} : { body: fitting(change.body) };
    await this.requests.write(`PATCH ${base}/pulls/{number}`, { ...namesOf(repo), number, ...change, ...body });
  }

  async requestReviews(repo: string, number: number, reviewers: readonly string[]): Promise<void> {
    const params = { ...namesOf(repo), number, reviewers };
    await this.requests.write(`POST ${base}/pulls/{number}/requested_reviewers`, params);
  }

  async submitReview(repo: string, number: number, { sha, verdict, body, comments }: NewReview): Promise<ForgeReview> {
    const params = {
      ...namesOf(repo),
      number,
      commit_id: sha,
      event: verdict === "comment" ? "COMMENT" : "REQUEST_CHANGES",
      body: fitting(body),
      comments: comments.map((one) => ({ path: one.path, line: one.line, side: "RIGHT", body: fitting(one.body) })),
    };
    return reviewOf(await this.requests.write<RawReview>(`POST ${base}/pulls/{number}/reviews`, params));
  }

  async editReview(repo: string, number: number, review: number, body: string): Promise<void> {
    const params = { ...namesOf(repo), number, review, body: fitting(body) };
    await this.requests.write(`PUT ${base}/pulls/{number}/reviews/{review}`, params);
  }

  async dismissReview(repo: string, number: number, review: number, message: string): Promise<void> {
    const params = { ...namesOf(repo), number, review, message, event: "DISMISS" };
    await this.requests.write(`PUT ${base}/pulls/{number}/reviews/{review}/dismissals`, params);
  }

  async setStatus(...[repo, sha, status]: Parameters<Forge["setStatus"]>): Promise<void> {
    const { context, state, description, url } = status;
    await this.requests.write(`POST ${base}/statuses/{sha}`, {
      ...namesOf(repo),
      sha,
      context,
      state,
      description: description.slice(0, mostDescription),
      ...(url === undefined ? {} : { target_url: url }),
    });
  }

  async merge(repo: string, number: number, head: string, title: string): Promise<string> {
    const params = { ...namesOf(repo), number, sha: head, merge_method: "squash", commit_title: title };
    return (await this.requests.write<{ sha: string }>(`PUT ${base}/pulls/{number}/merge`, params)).sha;
  }
}

async function ifThere(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof ForgeError) || error.kind !== "missing") throw error;
  }
}
