import {
  type CheckRun,
  type CommitStatus,
  type ForgeComment,
  ForgeError,
  type ForgeIssue,
  type ForgePull,
  type ForgeReader,
  type ForgeRepo,
  type ForgeReview,
  type ForgeUser,
  type IssueEvent,
  type Protection,
  type PullFile,
  type ReviewComment,
} from "../forge-port.ts";
import { mostPages, perPage, type Requests } from "./requests.ts";
import {
  checkRunOf,
  commentOf,
  eventsOf,
  fileOf,
  issueOf,
  protectionOf,
  pullOf,
  type RawCheckRun,
  type RawComment,
  type RawEvent,
  type RawFile,
  type RawIssue,
  type RawProtection,
  type RawPull,
  type RawReview,
  type RawReviewComment,
  type RawStatus,
  type RawUser,
  reviewCommentOf,
  reviewOf,
  statusOf,
  userOf,
} from "./views.ts";

const base = "/repos/{owner}/{repo}";

/** A repository's name as GitHub's routes want it. */
export function namesOf(repo: string): { owner: string; repo: string } {
  const [owner = "", name = ""] = repo.split("/");
  return { owner, repo: name };
}

/** Files that GitHub tells of a comparison: there may be more. */
const mostCompared = 300;

const sinceOf = (since: number | undefined): { since?: string } =>
  since === undefined ? {} : { since: new Date(since).toISOString().replace(/\.\d+Z$/, "Z") };

/** Reads GitHub. */
export class GithubReader implements ForgeReader {
  protected readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  async account(): Promise<ForgeUser> {
    return userOf((await this.requests.read<RawUser>("/user")).data);
  }

  async repo(repo: string): Promise<ForgeRepo> {
    interface Raw {
      full_name: string;
      default_branch: string;
      private: boolean;
      archived?: boolean;
      size: number;
      clone_url: string;
    }
    const { data } = await this.requests.read<Raw>(base, namesOf(repo));
    return {
      name: data.full_name,
      defaultBranch: data.default_branch,
      private: data.private,
      archived: data.archived ?? false,
      size: data.size / 1024,
      cloneUrl: data.clone_url,
    };
  }

  async changed(repo: string, since: number, known = false): Promise<readonly ForgeIssue[] | undefined> {
    const params = { ...namesOf(repo), state: "all", sort: "updated", direction: "asc", per_page: perPage };
    // By number, in the order of what each was found with last.
    const found = new Map<number, RawIssue>();
    let changed = false;
    for (let look = 0, from = since, page = 1; look < mostPages; look++) {
      const question = { ...params, ...sinceOf(from), page };
      const { data, fresh } = await this.requests.read<RawIssue[]>(`${base}/issues`, question);
      changed ||= fresh;
      for (const one of data) {
        found.delete(one.number);
        found.set(one.number, one);
      }
      if (data.length < perPage) break;
      // What changes between two questions leaves its page, and the next page would begin one later: each goes on from where the last one
      // ended instead, and only within one second of the forge's by page.
      const last = Date.parse(data.at(-1)!.updated_at);
      page = last > from ? 1 : page + 1;
      from = Math.max(from, last);
    }
    return changed || known ? [...found.values()].map(issueOf) : undefined;
  }

  async issue(repo: string, number: number): Promise<ForgeIssue> {
    return issueOf((await this.requests.read<RawIssue>(`${base}/issues/{number}`, { ...namesOf(repo), number })).data);
  }

  async issuesBy(repo: string, login: string): Promise<ForgeIssue[]> {
    const { data } = await this.requests.read<RawIssue[]>(`${base}/issues`, {
      ...namesOf(repo),
      creator: login,
      state: "all",
      per_page: 100,
    });
    return data.map(issueOf);
  }

  async issuesLabelled(repo: string, label: string): Promise<ForgeIssue[]> {
    const params = { ...namesOf(repo), labels: label, state: "open", direction: "asc" };
    const { data } = await this.requests.list<RawIssue>(`${base}/issues`, params);
    return data.map(issueOf).filter(({ isPull }) => !isPull);
  }

  async events(repo: string, number: number): Promise<IssueEvent[]> {
    const params = { ...namesOf(repo), number };
    return eventsOf((await this.requests.list<RawEvent>(`${base}/issues/{number}/events`, params)).data);
  }

  async comments(repo: string, number: number, since?: number): Promise<ForgeComment[]> {
    const params = { ...namesOf(repo), number, ...sinceOf(since) };
    return (await this.requests.list<RawComment>(`${base}/issues/{number}/comments`, params)).data.map(commentOf);
  }

  async branch(repo: string, branch: string): Promise<string | undefined> {
    const params = { ...namesOf(repo), ref: `heads/${branch}` };
    return (await this.requests.find<{ object: { sha: string } }>(`${base}/git/ref/{+ref}`, params))?.object.sha;
  }

  async branches(repo: string, prefix: string): Promise<{ name: string; sha: string }[]> {
    const params = { ...namesOf(repo), ref: `heads/${prefix}` };
    type Raw = { ref: string; object: { sha: string } };
    // It has no pages to ask for.
    const { data } = await this.requests.read<Raw[]>(`${base}/git/matching-refs/{+ref}`, params);
    return data.map(({ ref, object }) => ({ name: ref.slice("refs/heads/".length), sha: object.sha }));
  }

  async file(repo: string, path: string, ref: string): Promise<string | undefined> {
    type Raw = { type?: string; encoding?: string; content?: string };
    const found = await this.requests.find<Raw>(`${base}/contents/{+path}`, { ...namesOf(repo), path, ref });
    if (found?.type !== "file" || found.encoding !== "base64" || found.content === undefined) return undefined;
    const text = Buffer.from(found.content, "base64").toString("utf8");
    return text.includes("\0") || text.includes("\ufffd") ? undefined : text;
  }

  async pull(repo: string, number: number): Promise<ForgePull> {
    return pullOf((await this.requests.read<RawPull>(`${base}/pulls/{number}`, { ...namesOf(repo), number })).data);
  }

  async pullsOf(repo: string, branch: string): Promise<ForgePull[]> {
    const names = namesOf(repo);
    const params = { ...names, state: "all", head: `${names.owner}:${branch}`, per_page: 100 };
    return (await this.requests.read<RawPull[]>(`${base}/pulls`, params)).data.map(pullOf);
  }

  async openPulls(repo: string): Promise<ForgePull[]> {
    const params = { ...namesOf(repo), state: "open", per_page: perPage };
    return (await this.requests.read<RawPull[]>(`${base}/pulls`, params)).data.map(pullOf);
  }

  async files(repo: string, number: number): Promise<PullFile[]> {
    const params = { ...namesOf(repo), number };
    return (await this.requests.list<RawFile>(`${base}/pulls/{number}/files`, params)).data.map(fileOf);
  }

  async compare(repo: string, from: string, to: string): Promise<PullFile[] | undefined> {
    type Raw = { status: string; files?: RawFile[] };
    const params = { ...namesOf(repo), basehead: `${from}...${to}` };
    const found = await this.requests.find<Raw>(`${base}/compare/{basehead}`, params);
    if (found === undefined || (found.status !== "ahead" && found.status !== "identical")) return undefined;
    const files = found.files ?? [];
    return files.length < mostCompared ? files.map(fileOf) : undefined;
  }

  async reviews(repo: string, number: number): Promise<ForgeReview[]> {
    const params = { ...namesOf(repo), number };
    return (await this.requests.list<RawReview>(`${base}/pulls/{number}/reviews`, params)).data.map(reviewOf);
  }

  async reviewComments(repo: string, number: number, since?: number): Promise<ReviewComment[]> {
    const params = { ...namesOf(repo), number, ...sinceOf(since) };
    return (await this.requests.list<RawReviewComment>(`${base}/pulls/{number}/comments`, params)).data.map(
      reviewCommentOf,
    );
  }

  async statuses(repo: string, sha: string): Promise<CommitStatus[]> {
    const params = { ...namesOf(repo), sha };
    const { data } = await this.requests.list<RawStatus>(`${base}/commits/{sha}/statuses`, params);
    // Newest first: the first of each context is what holds.
    const contexts = new Set<string>();
    return data.map(statusOf).filter(({ context }) => !contexts.has(context) && contexts.add(context));
  }

  async checks(repo: string, sha: string): Promise<CheckRun[]> {
    type Raw = { check_runs: RawCheckRun[] };
    const params = { ...namesOf(repo), sha, filter: "latest" };
    const runs = (data: unknown) => (data as Raw).check_runs;
    try {
      const { data } = await this.requests.list<RawCheckRun>(`${base}/commits/{sha}/check-runs`, params, runs);
      return data.map(checkRunOf);
    } catch (error) {
      if (error instanceof ForgeError && (error.kind === "refused" || error.kind === "missing")) return [];
      throw error;
    }
  }

  async protection(repo: string, branch: string): Promise<Protection | undefined> {
    const params = { ...namesOf(repo), branch };
    const found = await this.requests.find<RawProtection>(`${base}/branches/{branch}/protection`, params);
    return found && protectionOf(found);
  }
}
