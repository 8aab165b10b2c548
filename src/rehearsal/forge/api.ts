import { type Call, type Forge, inaccessible, type Route, tokenAllows } from "./context.ts";
import { etagOf, isObject, notFound, ok, paged, Refusal, type Reply } from "./http.ts";
import type { Counter } from "./limits.ts";
import type { TokenRow, UserRow } from "./rows.ts";

/** A request to the API, and what became of it, for those who check it against GitHub's description. */
export interface Exchange {
  readonly method: string;
  readonly route: string;
  readonly query: Readonly<Record<string, string>>;
  readonly request: unknown;
  readonly status: number;
  readonly response: unknown;
}

export interface Request {
  readonly method: string;
  /** Below /api/v3. */
  readonly path: string;
  readonly url: URL;
  readonly body: string;
  readonly ifNoneMatch: string | undefined;
  readonly user: UserRow | undefined;
  readonly token: TokenRow | undefined;
  /** A token was given that is not one. */
  readonly wrong: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** A path, or what may stand for several parts of one. */
const wide = new Set(["path", "ref", "basehead"]);

function compile(route: Route): Compiled {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const last = names.at(-1);
  const open = route.path.endsWith(`{${last}}`);
  const source = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    wide.has(name) && (open || name === "ref") ? (name === "path" ? "(.*)" : "(.+)") : "([^/]+)",
  );
  // The root of a repository's contents may be asked for with and without a slash.
  return { route, names, pattern: new RegExp(`^${source.replace("/(.*)", "(?:/(.*))?")}$`) };
}

/** Answers requests to the API: who may, how often, what for; pages and ETags of every answer. */
export class Api {
  readonly #forge: Forge;
  readonly #counter: Counter;
  readonly #routes: readonly Compiled[];
  readonly #observe: ((exchange: Exchange) => void) | undefined;

  constructor(forge: Forge, counter: Counter, routes: readonly Route[], observe?: (exchange: Exchange) => void) {
    this.#forge = forge;
    this.#counter = counter;
    this.#observe = observe;
    const meter: Route = {
      method: "GET",
      path: "/rate_limit",
      token: "none",
      handle: ({ token }) => {
        const rate = counter.overview(token?.hash ?? "");
        return ok({
          resources: { core: rate, search: { limit: 30, used: 0, remaining: 30, reset: rate.reset } },
          rate,
        });
      },
    };
    // Longer paths first, for a ref may hold slashes; then the more literal: /pulls/comments before /pulls/{pull_number}.
    const literal = ({ path }: Route) => path.replace(/\{\w+\}/g, "~");
    const parts = ({ path }: Route) => path.split("/").length;
    this.#routes = [...routes, meter]
      .sort((a, b) => parts(b) - parts(a) || (literal(a) < literal(b) ? -1 : 1))
      .map(compile);
  }

  async answer(request: Request): Promise<Answer> {
    const meterOf = request.token?.hash ?? "";
    const common = {
      "x-github-request-id": `REHEARSAL:${Math.random().toString(36).slice(2)}`,
      "x-github-media-type": "github.v3; format=json",
    };
    let found: { compiled: Compiled; params: Record<string, string> } | undefined;
    let body: unknown;
    let reply: Reply;
    const free = request.path === "/rate_limit";
    try {
      found = this.#find(request);
      if (request.wrong) throw new Refusal(401, "Bad credentials");
      if (!free)
        this.#counter.check(
          meterOf,
          request.user?.login ?? "anonymous",
          request.method !== "GET" && request.method !== "HEAD",
        );
      if (!free) this.#counter.count(meterOf, 1);
      body = parse(request.body);
      if (found === undefined) throw notFound();
      reply = await this.#handle(request, found.compiled.route, found.params, body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reply = refusalReply(error);
    }
    let value = reply.body;
    const headers: Record<string, string> = { ...common, ...reply.headers, ...this.#counter.headers(meterOf) };
    if (Array.isArray(value)) {
      const page = paged(value, request.url);
      value = page.body;
      if (page.link !== undefined) headers.link = page.link;
    }
    const text = reply.status === 204 ? "" : JSON.stringify(value);
    if (text !== "") headers["content-type"] = "application/json; charset=utf-8";
    if (found !== undefined && !request.wrong) {
      const { method, path: route } = found.compiled.route;
      const query = Object.fromEntries(request.url.searchParams);
      this.#observe?.({
        method,
        route,
        query,
        request: body,
        status: reply.status,
        response: text === "" ? undefined : JSON.parse(text),
      });
    }
    if (request.method !== "GET" || reply.status !== 200) return { status: reply.status, headers, body: text };
    headers.etag = etagOf(text, meterOf);
    headers["cache-control"] = "private, max-age=60, s-maxage=60";
    if (request.ifNoneMatch !== headers.etag) return { status: 200, headers, body: text };
    if (!free) this.#counter.count(meterOf, -1);
    return { status: 304, headers: { ...headers, ...this.#counter.headers(meterOf) }, body: "" };
  }

  #find({ method, path }: Request): { compiled: Compiled; params: Record<string, string> } | undefined {
    for (const compiled of this.#routes) {
      const match = compiled.route.method === method ? compiled.pattern.exec(path) : null;
      if (match === null) continue;
      try {
        const params = Object.fromEntries(
          compiled.names.map((name, at) => [name, decodeURIComponent(match[at + 1] ?? "")]),
        );
        return { compiled, params };
      } catch {
        // Percent signs that mean nothing: no such address.
        return undefined;
      }
    }
    return undefined;
  }

  async #handle(request: Request, route: Route, params: Record<string, string>, body: unknown): Promise<Reply> {
    const { user, token, url } = request;
    if (route.method !== "GET" && user === undefined) throw new Refusal(401, "Requires authentication");
    const call: Call = {
      forge: this.#forge,
      params,
      query: url.searchParams,
      body: isObject(body) ? body : Array.isArray(body) ? { labels: body } : {},
      user,
      token,
    };
    if (tokenAllows(token, route.token) || issueByPull(this.#forge, call, route)) return route.handle(call);
    throw inaccessible();
  }
}

/** A pull request's comments, labels and assignees are an issue's; a token for pull requests alone may write them too. */
function issueByPull({ db }: Forge, { params, token }: Call, route: Route): boolean {
  if (!route.token.startsWith("issues:") || params.issue_number === undefined) return false;
  const isPull = db.count(
    `SELECT count(*) AS n FROM pulls JOIN issues ON issues.id = issue_id JOIN repos ON repos.id = repo_id JOIN users ON users.id = owner_id
     WHERE login = ? AND repos.name = ? AND number = ?`,
    params.owner ?? "",
    params.repo ?? "",
    Number(params.issue_number),
  );
  return isPull > 0 && tokenAllows(token, route.token.replace("issues", "pull_requests") as Route["token"]);
}

function parse(body: string): unknown {
  if (body.trim() === "") return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw new Refusal(400, "Problems parsing JSON");
  }
}

function refusalReply({ status, message, errors, headers }: Refusal): Reply {
  const body = {
    message,
    ...(errors === undefined ? {} : { errors }),
    documentation_url: "https://docs.github.com/rest",
    status: String(status),
  };
  return { status, body, headers };
}
