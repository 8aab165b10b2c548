import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { Actions } from "../harness/actions.ts";
import type { Log } from "../harness/log.ts";
import type { ServerTls } from "../harness/tls.ts";
import { dashboardApp } from "./app.ts";
import type { Look } from "./look.ts";
import type { Streams } from "./stream.ts";

export interface DashboardOptions {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Further values of the Host header that are let in. */
  readonly hosts: readonly string[];
  /** A line a token, as `readGrants` reads them. */
  readonly token: Secret;
  /** Left out: plain HTTP. */
  readonly tls?: ServerTls;
  /** Keeps who is signed in over a restart; undefined: nobody stays. */
  readonly sessionsFile: string | undefined;
  readonly look: Look;
  readonly acts: Actions;
  readonly log: Log;
}

export interface Dashboard {
  readonly port: number;
  /** Ends the streams; from now on only probes are answered. */
  retire(): void;
  close(): Promise<void>;
}

/** Sockets at once, streams included: past it new ones are closed at once. */
const mostSockets = 300;
/** How long a client may take for its headers, and for a whole request, ms. Answers may take as long as they like: streams do. */
const headersMs = 10_000;
const requestMs = 15_000;
const idleMs = 5_000;
/** Nothing read and nothing sent for so long ends a connection: who takes in no answer. Streams have a beat more often. */
const stalledMs = 30_000;
/** Answers that one connection may owe. Nobody who reads its answers ever has more: the next request follows an answer. */
const mostOwed = 2;

/** Listens when it returns. Throws E-AGENT-LISTEN when the address or port cannot be had. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  let { port } = options;
  const { address, look, tls } = options;
  const allowed = () => {
    const names = [address, look.config.agent, ...(isLocal(address) ? ["127.0.0.1", "localhost"] : [])];
    return new Set([...names.map((name) => `${name.includes(":") ? `[${name}]` : name}:${port}`), ...options.hosts]);
  };
  const { app, streams } = dashboardApp(options, allowed);
  const served = await serve(app, streams, address, port, tls);
  port = served.port;
  return served;
}

/** Puts pages on a port, with limits for clients of every kind. Listens when it returns. Throws E-AGENT-LISTEN. */
export async function serve(
  app: { fetch(request: Request, env: object): Response | Promise<Response> },
  streams: Streams,
  address: string,
  wanted: number,
  tls?: ServerTls,
): Promise<Dashboard> {
  const limits = {
    maxHeaderSize: 8192,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: 2000,
  };
  const answer = oneByOne(
    getRequestListener((request, env) =>
      app.fetch(request, "incoming" in env ? { incoming: env.incoming as never } : {}),
    ),
  );
  const server =
    tls === undefined
      ? createServer(limits, answer)
      : (await import("node:https")).createServer(
          { ...limits, cert: tls.certificate, key: tls.key.reveal(), handshakeTimeout: headersMs },
          answer,
        );
  server.maxConnections = mostSockets;
  server.timeout = stalledMs;
  server.maxHeadersCount = 100;
  // Those that did not say hello yet are no connections of HTTP's.
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await listening(server, address, wanted);
  return {
    port,
    retire: () => streams.closeAll(),
    close: () =>
      new Promise((resolve) => {
        streams.closeAll();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Ends a connection that asks on and on without taking in the answers: each would wait in memory. */
function oneByOne(answer: (request: IncomingMessage, response: ServerResponse) => unknown): typeof answer {
  const owed = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return undefined;
    const now = (owed.get(socket) ?? 0) + 1;
    if (now > mostOwed) return socket.destroy();
    owed.set(socket, now);
    response.once("close", () => owed.set(socket, owed.get(socket)! - 1));
    return answer(request, response);
  };
}

function listening(server: Server, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: Error) =>
      reject(
        new OlympusError(`the dashboard cannot listen on ${address}:${port}: ${messageOf(cause)}`, {
          code: "E-AGENT-LISTEN",
          exit: exitCodes.failed,
          where: `${address}:${port}`,
          hint: `see who has the port:  ss -ltnp 'sport = :${port}'`,
          cause,
        }),
      ),
    );
    server.listen(port, address, () => resolve((server.address() as AddressInfo).port));
  });
}

function isLocal(address: string): boolean {
  return (
    address === "0.0.0.0" ||
    address === "::" ||
    address.startsWith("127.") ||
    address === "::1" ||
    address === "localhost"
  );
}
