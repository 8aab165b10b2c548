import { connect, createServer, type Socket } from "node:net";

/** What the proxy does to connections. */
export type Fault = "none" | "refuse" | "swallow";

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
  close(): Promise<void>;
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
  const pairs = new Set<{ inside: Socket; outside: Socket }>();
  const server = createServer((inside) => {
    if (fault === "refuse") {
      inside.resetAndDestroy();
      return;
    }
    const outside = connect(target.port, target.address ?? "127.0.0.1");
    const pair = { inside, outside };
    pairs.add(pair);
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk: Buffer) => fault === "swallow" || (from === outside && isLost(chunk)) || to.write(chunk));
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
