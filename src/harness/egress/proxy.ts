import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../log.ts";
import { readOpening } from "./client-hello.ts";
import { isNamed, mayConnect, type Rule, ruleFor } from "./rules.ts";

export interface ProxyOptions {
  /** Listens in the sandbox's network. */
  readonly server: Server;
  readonly run: string;
  readonly rules: readonly Rule[];
  readonly log: Log;
  /** Told of each target that was refused, once, and of not endlessly many. */
  readonly refused: (run: string, target: string) => void;
  /** Ends all connections. */
  readonly signal: AbortSignal;
}

const mostConnections = 64;
const idleMs = 60_000;
/** Until a client has said whom it wants to speak to. */
const openingMs = 10_000;
/** Targets of a run that are noted by name. */
const mostRefused = 50;

/** Headers that are between us and either side only. */
const hopByHop = ["connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade"];
/** Of a body, which is not passed on: a server told of one would take the next request on the connection for it, and what follows for a request. */
const ofBody = ["content-length", "transfer-encoding", "expect"];
/** What a TLS server says to a client that wants another one: `unrecognized_name`, fatal. */
const wrongName = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

/**
 * An HTTP proxy for one run: CONNECT for TLS to the server that a rule names, and plain GET and HEAD. Names are resolved here, and the
 * address that was looked at is the one connected to. Whatever else a command asks for is refused with a line that says what is allowed.
 */
export function serveProxy(given: ProxyOptions): void {
  const options = { ...given, refused: eachOnce(given) };
  const { server, signal } = options;
  const open = new Set<Duplex>();
  const proxy = createServer((incoming, answer) => {
    forward(options, incoming, answer).catch((error: unknown) => {
      if (answer.headersSent) answer.destroy();
      else answer.writeHead(502, { "content-type": "text/plain" }).end(`${messageOf(error)}\n`);
    });
  });
  proxy.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  proxy.on("connect", (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    tunnel(options, incoming.url ?? "", socket, head, open).catch((error: unknown) =>
      refuse(socket, 502, messageOf(error)),
    );
  });
  proxy.maxConnections = mostConnections;
  proxy.on("error", (error) =>
    options.log.error({ run: options.run, error: String(error) }, "the way out of a sandbox failed"),
  );
  proxy.listen(server);
  const end = () => {
    proxy.close();
    for (const socket of open) socket.destroy();
  };
  signal.addEventListener("abort", end, { once: true });
}

/** A command may ask for refused targets in a loop: what is noted of that is bounded, since it is kept for ever. */
function eachOnce({ refused, log }: ProxyOptions): ProxyOptions["refused"] {
  const told = new Set<string>();
  return (run, whole) => {
    const target = told.size < mostRefused ? whole.slice(0, 300) : "further targets";
    if (told.has(target)) return;
    told.add(target);
    refused(run, target);
    log.warn({ run, target }, "a command may not connect there");
  };
}

class Refused extends Error {}

/** The rule that lets a connection out, and the address to connect to. Throws `Refused` with words for whoever runs the command. */
async function admit(options: ProxyOptions, host: string, port: number, tunnels = false) {
  const rule = ruleFor(tunnels ? options.rules.filter(({ plain }) => !plain) : options.rules, host, port);
  const refuse = (why: string) => {
    options.refused(options.run, `${host}:${port}`);
    const allowed = [...new Set(options.rules.map((one) => `${one.host}:${one.port}`))].join(", ") || "nothing";
    return new Refused(`no connection to ${host}:${port}: ${why}; allowed: ${allowed}`);
  };
  if (rule === undefined)
    throw refuse(ruleFor(options.rules, host, port) ? "without TLS there is no tunnel" : "not on the allow-list");
  const addresses = await lookup(rule.host, { all: true });
  const address = addresses.find((one) => mayConnect(rule, one.address))?.address;
  if (address === undefined) throw refuse("the name leads into a private network");
  return { rule, address };
}

/** Nothing of a tunnel leaves before its first message was looked at. */
async function tunnel(options: ProxyOptions, target: string, socket: Socket, head: Buffer, open: Set<Duplex>) {
  const [, host = "", port = ""] = /^(\[[0-9a-f:]+\]|[^:]+):(\d+)$/i.exec(target) ?? [];
  let admitted: Awaited<ReturnType<typeof admit>>;
  try {
    admitted = await admit(options, host.replace(/^\[|\]$/g, ""), Number(port), true);
  } catch (error) {
    return refuse(socket, error instanceof Refused ? 403 : 502, messageOf(error));
  }
  const outside = connect(Number(port), admitted.address);
  open.add(outside);
  for (const one of [socket, outside]) {
    one.setTimeout(idleMs, () => one.destroy());
    one.on("error", () => one.destroy());
    one.on("close", () => {
      open.delete(one);
      socket.destroy();
      outside.destroy();
    });
  }
  await once(outside, "connect");
  socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
  const { bytes, hello } = await readOpening(socket, head, openingMs);
  if (hello !== undefined && isNamed(admitted.rule, hello.name)) {
    outside.write(bytes);
    outside.pipe(socket).pipe(outside);
    return;
  }
  const wanted = hello === undefined ? "something other than TLS" : (hello.name ?? "a server without a name");
  // Whoever only looked whether there is somebody has asked for nothing.
  if (bytes.length > 0) options.refused(options.run, `${wanted} through ${target}`);
  socket.on("finish", () => outside.destroy());
  if (hello === undefined) refuse(socket, 403, `through ${target} only TLS to ${admitted.rule.host} is let out`);
  else socket.end(wrongName);
}

async function forward(options: ProxyOptions, incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
  const url = URL.canParse(incoming.url ?? "") ? new URL(incoming.url!) : undefined;
  const plain = (status: number, text: string) =>
    void answer.writeHead(status, { "content-type": "text/plain" }).end(`${text}\n`);
  if (url?.protocol !== "http:") return plain(400, "this is a proxy: http:// addresses and CONNECT only");
  const port = Number(url.port || 80);
  if (incoming.method !== "GET" && incoming.method !== "HEAD") {
    options.refused(options.run, `${url.hostname}:${port}`);
    return plain(403, "without TLS only GET and HEAD are let out");
  }
  let address: string;
  try {
    ({ address } = await admit(options, url.hostname.replace(/^\[|\]$/g, ""), port));
  } catch (error) {
    return plain(error instanceof Refused ? 403 : 502, messageOf(error));
  }
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).filter(([name]) => ![...hopByHop, ...ofBody].includes(name)),
  );
  const outside = request(
    {
      host: address,
      port,
      method: incoming.method,
      path: url.pathname + url.search,
      headers: { ...headers, host: url.host },
      timeout: idleMs,
    },
    (response) => {
      const back = Object.entries(response.headers).filter(([name]) => !hopByHop.includes(name));
      answer.writeHead(response.statusCode ?? 502, Object.fromEntries(back));
      response.on("error", () => answer.destroy());
      response.pipe(answer);
    },
  );
  outside.on("timeout", () => outside.destroy(new Error("no answer in time")));
  outside.on("error", (error) => (answer.headersSent ? answer.destroy() : plain(502, messageOf(error))));
  answer.on("close", () => outside.destroy());
  outside.end();
}

function refuse(socket: Duplex, status: number, text: string): void {
  const body = `${text}\n`;
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${status === 403 ? "Forbidden" : "Bad Gateway"}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
