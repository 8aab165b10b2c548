import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Api, type Exchange } from "./api.ts";
import { type Forge, reposOf, userById } from "./context.ts";
import { Database } from "./database.ts";
import { Git } from "./git.ts";
import { isGit, serveGit } from "./git-http.ts";
import { Refusal } from "./http.ts";
import { Counter, githubLimits, type Limits } from "./limits.ts";
import { pageAt, pageHeaders } from "./pages.ts";
import { syncRefs } from "./refs.ts";
import { branchRoutes } from "./routes-branches.ts";
import { checkRoutes } from "./routes-checks.ts";
import { contentRoutes } from "./routes-contents.ts";
import { gitRoutes } from "./routes-git.ts";
import { hookRoutes } from "./routes-hooks.ts";
import { issueRoutes } from "./routes-issues.ts";
import { labelAndReactionRoutes } from "./routes-labels.ts";
import { pullRoutes } from "./routes-pulls.ts";
import { repoRoutes } from "./routes-repos.ts";
import { reviewRoutes } from "./routes-reviews.ts";
import type { TokenRow, UserRow } from "./rows.ts";
import { applyWorld, tokenHash, type World } from "./setup.ts";
import { Webhooks } from "./webhooks.ts";

export interface ForgeOptions {
  /** Folder of the database and the repositories; made where it is missing. */
  readonly dir: string;
  readonly world: World;
  readonly address?: string;
  readonly port?: number;
  /** Signs the webhooks that the world names. */
  readonly webhookSecret?: string | undefined;
  /** How others reach it, where that is not address and port. */
  readonly url?: string;
  readonly limits?: Partial<Limits>;
  readonly clock?: () => number;
  readonly observe?: (exchange: Exchange) => void;
}

export interface RehearsalForge {
  /** Pages and git; the API is below `/api/v3`. */
  readonly url: string;
  readonly api: string;
  /** Changes limits while it runs. */
  limit(limits: Partial<Limits>): void;
  /** Refuses every token for so many seconds, as the secondary limit does. */
  bar(seconds: number): void;
  close(): Promise<void>;
}

const mostBytes = 25 * 1024 * 1024;

/** GitHub, played: its API, git over HTTP, webhooks and pages. Listens on `address:port` (0: any free one) when it returns. */
export async function startForge(options: ForgeOptions): Promise<RehearsalForge> {
  const db = new Database(options.dir);
  const clock = options.clock ?? Date.now;
  const counter = new Counter(db, clock, { ...githubLimits, ...options.limits });
  const lanes = new Map<number, Promise<unknown>>();
  // The address is known once it listens; who asks before all is in place waits.
  const ready = Promise.withResolvers<void>();
  const server = createServer();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch((error: unknown) => {
      const status = error instanceof Refusal ? error.status : 500;
      if (response.headersSent) return response.destroy();
      response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
      response.end(
        JSON.stringify({ message: error instanceof Error ? error.message : String(error), status: String(status) }),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, options.address ?? "127.0.0.1", resolve);
  });
  const bound = server.address() as AddressInfo;
  const url =
    options.url ?? `http://${bound.address.includes(":") ? `[${bound.address}]` : bound.address}:${bound.port}`;
  const webhooks: Webhooks = new Webhooks(() => forge);
  const forge: Forge = {
    db,
    git: new Git(options.dir),
    url,
    clock,
    emit: (repo, event, payload, sender) => webhooks.emit(repo, event, payload, sender),
    alone(repo, work) {
      const before = lanes.get(repo) ?? Promise.resolve();
      const done = before.then(work, work);
      lanes.set(repo, done);
      return done;
    },
  };
  const routes = [
    ...repoRoutes,
    ...branchRoutes,
    ...issueRoutes,
    ...labelAndReactionRoutes,
    ...gitRoutes,
    ...contentRoutes,
    ...pullRoutes,
    ...reviewRoutes,
    ...checkRoutes,
  ];
  const api = new Api(forge, counter, [...routes, ...hookRoutes(webhooks)], options.observe);
  await applyWorld(forge, options.world, options.webhookSecret);
  // What a killed forge had in git and had not told of yet.
  for (const repo of reposOf(forge))
    await forge.alone(repo.id, () => syncRefs(forge, repo.id, userById(forge, repo.owner_id)));
  webhooks.sendAll();

  ready.resolve();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await ready.promise;
    response.setHeader("x-olympus-rehearsal", "true");
    const asked = new URL(request.url ?? "/", url);
    const who = login(request.headers.authorization);
    if (isGit(asked.pathname)) return serveGit(forge, request, response, asked, who);
    if (asked.pathname === "/healthz")
      return send(response, 200, { "content-type": "application/json" }, '{"status":"ok","rehearsal":true}');
    if (!asked.pathname.startsWith("/api/v3/")) {
      const html = await pageAt(forge, asked.pathname, who.user);
      return send(response, 200, pageHeaders, html);
    }
    const method = request.method ?? "GET";
    const path = asked.pathname.slice("/api/v3".length);
    const etag = request.headers["if-none-match"];
    const answer = await api.answer({
      method,
      path,
      url: asked,
      body: await readAll(request),
      ifNoneMatch: etag,
      ...who,
    });
    return send(response, answer.status, answer.headers, answer.body);
  }

  /** By `Authorization: token …`, `Bearer …`, or as the password of Basic, which git uses. */
  function login(header: string | undefined): {
    user: UserRow | undefined;
    token: TokenRow | undefined;
    wrong: boolean;
  } {
    const [, kind, value] = /^(\S+) +(\S+)$/.exec(header ?? "") ?? [];
    if (kind === undefined || value === undefined) return { user: undefined, token: undefined, wrong: false };
    const decoded =
      kind.toLowerCase() === "basic"
        ? Buffer.from(value, "base64")
            .toString("utf8")
            .replace(/^[^:]*:/, "")
        : value;
    const token = db.get<TokenRow>("SELECT * FROM tokens WHERE hash = ?", tokenHash(decoded));
    return {
      token,
      user: token === undefined ? undefined : userById(forge, token.user_id),
      wrong: token === undefined,
    };
  }

  return {
    url,
    api: `${url}/api/v3`,
    limit(limits) {
      counter.limits = { ...counter.limits, ...limits };
    },
    bar(seconds) {
      counter.bar(
        db.all<{ hash: string }>("SELECT hash FROM tokens").map(({ hash }) => hash),
        seconds,
      );
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await webhooks.close();
      await Promise.allSettled(lanes.values());
      db.close();
    },
  };
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: string): void {
  response.writeHead(status, headers);
  response.end(body);
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) throw new Refusal(413, "Payload too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
