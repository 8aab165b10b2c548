import { connect, createServer, type Server, type Socket } from "node:net";

/** Forwards each connection to 127.0.0.1:`port` to `target` (`address:port`). Resolves when it listens; rejects when the port is taken. */
export function forward(port: number, target: string): Promise<Server> {
  const [host, targetPort] = target.split(":");
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: host!, port: Number(targetPort), noDelay: true, allowHalfOpen: true });
    join(client, upstream);
    join(upstream, client);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** Passes on data and its end; when one side breaks, the other is broken off too. */
function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.destroy());
  from.on("close", (broken) => {
    if (broken) to.destroy();
  });
}
