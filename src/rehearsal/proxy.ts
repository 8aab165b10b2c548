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
  close(): Promise<void>;
}

export async function startFaultProxy(target: { port: number; address?: string }): Promise<FaultProxy> {
  let fault: Fault = "none";
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
      from.on("data", (chunk) => fault === "swallow" || to.write(chunk));
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
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
