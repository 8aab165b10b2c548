import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { type IncomingMessage, type RequestListener, request as requestHttp, type ServerResponse } from "node:http";
import { request as requestHttps } from "node:https";
import { basename, join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { sync } from "../base/durable.ts";
import { packageHashes } from "./apt-hashes.ts";

export interface AptCacheOptions {
  /** Folder for what is kept. */
  readonly dir: string;
  /** Only these hosts are asked, so that guests do not get a way round this computer's own network. */
  readonly hosts: readonly string[];
}

/**
 * A package cache for APT: an HTTP proxy that keeps what can never change (package files, whose names carry their version,
 * and indexes named by their hash) and passes on everything else. A path `/https/<host>/…` fetches over HTTPS, so that guests
 * need neither that host's certificate nor a tunnel. APT checks hashes and signatures itself; what it would refuse is not kept, or it would
 * be refused for ever.
 */
export function aptCache(options: AptCacheOptions): RequestListener {
  const cache = { ...options, hashesOf: packageHashes(options.dir) };
  return (request, response) => {
    answer(cache, request, response).catch((error: Error) => {
      if (response.headersSent) response.destroy(error);
      else refuse(response, 502, error.message);
    });
  };
}

interface Cache extends AptCacheOptions {
  readonly hashesOf: ReturnType<typeof packageHashes>;
}

async function answer(options: Cache, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = targetOf(request.url ?? "");
  if (url === undefined) return refuse(response, 400, "an APT proxy: give it whole addresses");
  if (!options.hosts.includes(url.host))
    return refuse(response, 403, `${url.host} is none of the team's package sources`);
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "only GET and HEAD");
  if (request.method === "HEAD" || !isImmutable(url.pathname)) return passOn(url, request, response);
  const name = `${createHash("sha256").update(url.href).digest("hex").slice(0, 16)}-${basename(url.pathname)}`;
  const file = join(options.dir, name);
  const known = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (known === undefined) {
    await mkdir(options.dir, { recursive: true });
    return keep(url, file, await expected(url, options), request, response);
  }
  // Whole, whatever part was asked for: APT takes that.
  response.writeHead(200, {
    "content-length": known.size,
    "content-type": "application/octet-stream",
    "x-cache": "hit",
  });
  await pipeline(createReadStream(file), response);
}

/** `http://host/path` as a proxy gets it, or `/https/host/path`. */
export function targetOf(asked: string): URL | undefined {
  const secure = /^(?:http:\/\/[^/]+)?\/https\/([^/]+\/.*)$/.exec(asked);
  if (secure) return new URL(`https://${secure[1]}`);
  return asked.startsWith("http://") ? new URL(asked) : undefined;
}

/** Package files carry their version in their name, `by-hash` indexes their content's hash. */
export function isImmutable(path: string): boolean {
  return /\.u?deb$/.test(path) || /\/by-hash\/SHA(256|512)\/[0-9a-f]+$/.test(path);
}

/** What a file must hash to: an index says it in its name, of a package its index does. One of several; none are known of a package without. */
async function expected(url: URL, { hashesOf }: Cache): Promise<Expected> {
  const named = /\/by-hash\/(SHA256|SHA512)\/([0-9a-f]+)$/.exec(url.pathname);
  if (named !== null) return { algorithm: named[1]!, hashes: [named[2]!] };
  return { algorithm: "sha256", hashes: await hashesOf(decodeURIComponent(basename(url.pathname))) };
}

interface Expected {
  readonly algorithm: string;
  readonly hashes: readonly string[];
}

/** Sends the answer on while writing it beside its place; it gets its name only when it is whole, and what it should be. */
async function keep(
  url: URL,
  file: string,
  { algorithm, hashes }: Expected,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await fetchFrom(url, {});
  const length = Number(answer.headers["content-length"]);
  if (answer.statusCode !== 200 || !Number.isSafeInteger(length)) return sendOn(answer, response);
  const partial = `${file}.${randomBytes(4).toString("hex")}.partial`;
  const toClient = new PassThrough();
  // A client that goes away must not cut the download off: the next one finds it here.
  const sending = sendOn(Object.assign(toClient, { statusCode: 200, headers: answer.headers }), response);
  const clientLeft = sending.catch(() => void toClient.resume());
  request.once("close", () => toClient.resume());
  try {
    answer.pipe(toClient);
    const hash = createHash(algorithm);
    answer.on("data", (chunk: Buffer) => hash.update(chunk));
    await pipeline(answer, createWriteStream(partial, { mode: 0o644 }));
    const good = hashes.length === 0 || hashes.includes(hash.digest("hex"));
    if (good && (await stat(partial)).size === length) {
      await sync(partial);
      await rename(partial, file);
    }
  } catch (error) {
    toClient.destroy(error as Error);
    throw error;
  } finally {
    await rm(partial, { force: true });
    await clientLeft;
  }
}

async function passOn(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers: Record<string, string> = {};
  for (const name of ["if-modified-since", "if-none-match", "range", "if-range", "user-agent", "cache-control"]) {
    const value = request.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  await sendOn(await fetchFrom(url, headers, request.method), response);
}

async function sendOn(
  answer: NodeJS.ReadableStream & Pick<IncomingMessage, "statusCode" | "headers">,
  response: ServerResponse,
): Promise<void> {
  const headers: Record<string, string> = {};
  for (const name of ["content-length", "content-type", "content-range", "last-modified", "etag", "accept-ranges"]) {
    const value = answer.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  response.writeHead(answer.statusCode ?? 502, headers);
  await pipeline(answer, response);
}

/** Fetches, following at most three redirections, as this computer itself would. */
async function fetchFrom(
  url: URL,
  headers: Record<string, string>,
  method = "GET",
  left = 3,
): Promise<IncomingMessage> {
  const ask = url.protocol === "https:" ? requestHttps : requestHttp;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // A connection of its own each time: one kept from before may have died unnoticed.
    const outgoing = ask(url, { method, agent: false, headers: { "user-agent": "olympus-lab", ...headers } }, resolve);
    outgoing.setTimeout(60_000, () => outgoing.destroy(new Error(`${url.host} does not answer`)));
    outgoing.once("error", reject).end();
  });
  const { location } = answer.headers;
  if (location === undefined || ![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || left === 0)
    return answer;
  answer.resume();
  return fetchFrom(new URL(location, url), headers, method, left - 1);
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${why}\n`);
}
