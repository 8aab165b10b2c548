import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Forge, findRepo, may, type Role, tokenAllows, tokenReaches } from "./context.ts";
import { protectedFor } from "./protection.ts";
import { syncRefs } from "./refs.ts";
import type { RepoRow, TokenRow, UserRow } from "./rows.ts";

/** Git over HTTP: git's own server, let in by token, with the repository's rules in its environment. */
const service = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

export const isGit = (path: string): boolean => service.test(path);

export async function serveGit(
  forge: Forge,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  who: { user: UserRow | undefined; token: TokenRow | undefined; wrong: boolean },
): Promise<void> {
  const [, owner, name, part] = service.exec(url.pathname)!;
  const pushes = part === "git-receive-pack" || url.searchParams.get("service") === "git-receive-pack";
  const refuse = (status: number, message: string): void => {
    const ask = status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {};
    response.writeHead(status, { "content-type": "text/plain", ...ask });
    response.end(`${message}\n`);
  };
  const { user, token } = who;
  if (who.wrong)
    return refuse(401, "Invalid username or token. Password authentication is not supported for Git operations.");
  const repo = findRepo(forge, owner!, name!);
  const sees =
    repo !== undefined && may(forge, repo, user, "pull") && (repo.private === 0 || tokenReaches(token, repo));
  // Whoever is not logged in is asked to, for what he may not see as for what is not there.
  if (repo === undefined || !sees)
    return user === undefined ? refuse(401, "Authentication required") : refuse(404, "Repository not found.");
  if (pushes) {
    if (user === undefined) return refuse(401, "Authentication required");
    const role: Role = "push";
    if (!may(forge, repo, user, role) || !tokenReaches(token, repo) || !tokenAllows(token, "contents:write"))
      return refuse(403, `Permission to ${repo.owner}/${repo.name}.git denied to ${user.login}.`);
  } else if (repo.private === 1 && !tokenAllows(token, "contents:read"))
    return refuse(403, "Write access to repository not granted.");
  if (part !== "git-receive-pack") return backend(forge, request, response, url, repo, part!, user);
  return forge.alone(repo.id, async () => {
    await backend(forge, request, response, url, repo, part, user);
    await syncRefs(forge, repo.id, user!);
  });
}

function backend(
  forge: Forge,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  repo: RepoRow,
  part: string,
  user: UserRow | undefined,
): Promise<void> {
  const header = (name: string): string => String(request.headers[name] ?? "");
  const admin = may(forge, repo, user, "admin");
  const child = spawn("git", ["http-backend"], {
    env: {
      ...forge.git.environment(),
      GIT_PROJECT_ROOT: forge.git.root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: header("git-protocol"),
      PATH_INFO: `/${repo.id}.git/${part}`,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: header("content-type"),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      ...(request.headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: header("content-length") }),
      REMOTE_ADDR: "127.0.0.1",
      ...(user === undefined ? {} : { REMOTE_USER: user.login }),
      FORGE_PROTECTED: protectedFor(forge, repo, admin),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    let begun = false;
    child.once("error", reject);
    child.stdin.once("error", () => undefined);
    request.pipe(child.stdin);
    response.once("close", () => child.kill());
    child.stdout.on("data", (chunk: Buffer) => {
      if (begun) return void response.write(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      begun = true;
      const headers: Record<string, string> = {};
      let status = 200;
      for (const line of head.subarray(0, end).toString("latin1").split("\r\n")) {
        const [key, value] = [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()];
        if (key === "status") status = Number.parseInt(value, 10);
        else headers[key] = value;
      }
      response.writeHead(status, headers);
      response.write(head.subarray(end + 4));
    });
    child.once("close", () => {
      if (!begun) response.writeHead(500);
      response.end();
      resolve();
    });
  });
}
