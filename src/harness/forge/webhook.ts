import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Secret } from "../../base/secret.ts";
import type { Log } from "../log.ts";

/** Larger deliveries are not read: what they tell is found by looking. */
const mostBytes = 5 * 1024 * 1024;
/** Time that a delivery has to arrive, ms. */
const longest = 5000;
/** Deliveries that are read at the same time: more are told to come again. */
const mostAtOnce = 8;

export interface WebhookReceiver {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens for the forge's webhooks, which may be signed with any line of the secret: two while it is rotated. A delivery with a right
 * signature is a hint that something happened in its repository; it is answered before anything is done about it, and nothing else of it is
 * used. Throws when the address cannot be listened at.
 */
export async function receiveWebhooks(
  at: { readonly address: string; readonly port: number; readonly secret: Secret },
  hint: (repo: string) => void,
  log: Log,
): Promise<WebhookReceiver> {
  const { Webhooks } = await import("@octokit/webhooks");
  const keys = at.secret.reveal().split("\n").filter(Boolean);
  const webhooks = keys.map((secret) => new Webhooks({ secret }));
  let reading = 0;
  const server: Server = createServer({
    requestTimeout: longest,
    headersTimeout: longest,
    connectionsCheckingInterval: 1000,
  });
  server.maxHeadersCount = 100;
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const answer = (status: number): void => {
      if (response.headersSent) return;
      // What was not read is not waited for.
      response.writeHead(status, status < 300 ? {} : { connection: "close" }).end();
      if (status >= 400) log.warn({ status, from: request.socket.remoteAddress }, "a webhook was refused");
    };
    const handle = async (): Promise<void> => {
      const signature = request.headers["x-hub-signature-256"];
      if (request.method !== "POST") return answer(405);
      if (typeof signature !== "string" || !signature.startsWith("sha256=")) return answer(401);
      if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) return answer(415);
      if (Number(request.headers["content-length"] ?? 0) > mostBytes) return answer(413);
      const body = await readAll(request);
      if (typeof body === "number") return answer(body);
      const known = await Promise.all(webhooks.map((one) => one.verify(body, signature)));
      if (!known.includes(true)) return answer(401);
      answer(202);
      const repo = repositoryOf(body);
      if (repo !== undefined) hint(repo);
    };
    if (reading >= mostAtOnce) return answer(503);
    reading++;
    handle()
      .catch(() => answer(400))
      .finally(() => {
        reading--;
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The body, or the status that refuses it. */
async function readAll(request: IncomingMessage): Promise<string | number> {
  const chunks: Buffer[] = [];
  let size = 0;
  const over = Promise.withResolvers<number>();
  const timer = setTimeout(() => over.resolve(408), longest);
  try {
    const whole = (async () => {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > mostBytes) return 413;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString("utf8");
    })();
    // It may fail after the time is over: then nobody listens any more.
    whole.catch(() => undefined);
    return await Promise.race([whole, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function repositoryOf(body: string): string | undefined {
  const said = JSON.parse(body) as { repository?: { full_name?: unknown } } | null;
  const name = said?.repository?.full_name;
  return typeof name === "string" ? name : undefined;
}
