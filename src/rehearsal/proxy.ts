import { connect, createServer, type Socket } from "node:net";

/** What the proxy does to connections. */
export type Fault = "none" | "refuse" | "swallow";

/** How a request fails. */
export type Failure = "refused" | "taken" | "unanswered";

/** A TCP proxy on 127.0.0.1 that breaks connections the way networks do. */
export interface FaultProxy {
  readonly port: number;
  /**
   * `none`: bytes pass. `refuse`: new connections are reset. `swallow`: nothing passes in either direction and nobody is told,
   * like a firewall that forgot its state; also not for connections that are made meanwhile.
   */
  set(fault: Fault): void;
  /** Resets every connection there is. */
  cut(): void;
  /** The next WebSocket message that holds `text` and comes alone on its way to a client never arrives. Gives whether that has happened. */
  loseMessage(text: string): () => boolean;
  /**
   * The next requests that begin with `line` ("POST /api/v4/posts ") and come at the beginning of a piece fail, `times` of them: answered
   * with HTTP 500 by the proxy alone (`refused`) or once the server has done what they ask for (`taken`), or done and never answered
   * (`unanswered`). Gives how many are still to come.
   */
  failRequests(line: string, times: number, how: Failure): () => number;
  /** HTTP requests that came through, as far as each began a piece. */
  requests(): number;
  close(): Promise<void>;
}

const errorAnswer = [
  "HTTP/1.1 500 Internal Server Error",
  "content-type: application/json",
  "content-length: 2",
  "connection: close",
  "",
  "{}",
].join("\r\n");

/** A client's connection and ours to the server; `failed`: how its request fails. */
interface Pair {
  readonly inside: Socket;
  readonly outside: Socket;
  failed: Failure | undefined;
}

export async function startFaultProxy(target: { port: number; address?: string }): Promise<FaultProxy> {
  let fault: Fault = "none";
  let unlucky: { readonly text: string; lost: boolean } | undefined;
  /** A whole unmasked frame with such a text and nothing else: what is left stays in step. */
  const isLost = (chunk: Buffer): boolean => {
    if (unlucky === undefined || unlucky.lost || chunk[0] !== 0x81 || frameLength(chunk) !== chunk.length) return false;
    unlucky.lost = chunk.includes(unlucky.text);
    return unlucky.lost;
  };
  let failing: { readonly line: string; left: number; readonly how: Failure } = { line: "", left: 0, how: "refused" };
  let requests = 0;
  const pairs = new Set<Pair>();
  /** Whether a piece goes no further: it is of a request that fails, or of its answer. */
  const isFailed = (pair: Pair, from: Socket, chunk: Buffer): boolean => {
    const { inside } = pair;
    if (from === inside && failing.left > 0 && chunk.toString("latin1").startsWith(failing.line)) {
      failing.left--;
      pair.failed = failing.how;
      // The server's answer will tell that it has done what was asked for.
      if (failing.how !== "refused") return false;
    } else if (from === inside ? !inside.writableEnded : pair.failed === undefined) return false;
    if (!inside.writableEnded && pair.failed !== "unanswered") inside.end(errorAnswer);
    return true;
  };
  const server = createServer((inside) => {
    if (fault === "refuse") {
      inside.resetAndDestroy();
      return;
    }
    const outside = connect(target.port, target.address ?? "127.0.0.1");
    const pair: Pair = { inside, outside, failed: undefined };
    pairs.add(pair);
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk: Buffer) => {
        if (from === inside && /^[A-Z]+ \/[^ ]* HTTP\/1\.1\r\n/.test(chunk.toString("latin1", 0, 500))) requests++;
        if (fault === "swallow" || isFailed(pair, from, chunk) || (from === outside && isLost(chunk))) return;
        to.write(chunk);
      });
      // Ends pass too, unless nobody is to be told.
      from.on("end", () => fault === "swallow" || to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => {
        if (fault !== "swallow") to.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const cut = () => {
    for (const { inside, outside } of pairs) {
      inside.resetAndDestroy();
      outside.destroy();
    }
  };
  return {
    port,
    set(next) {
      fault = next;
    },
    cut,
    loseMessage(text) {
      const one = { text, lost: false };
      unlucky = one;
      return () => one.lost;
    },
    failRequests(line, times, how) {
      const these = { line, left: times, how };
      failing = these;
      return () => these.left;
    },
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

/** Bytes of the WebSocket frame that a server's chunk begins with; lengths of 64 bits are no message of a chat. */
function frameLength(chunk: Buffer): number {
  const short = chunk[1] ?? 0;
  if (short < 126) return 2 + short;
  return short === 126 && chunk.length >= 4 ? 4 + chunk.readUInt16BE(2) : 0;
}
