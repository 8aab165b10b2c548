import { createServer } from "node:http";
import { aptCache } from "./apt-cache.ts";
import { forward } from "./forward.ts";
import { listenIn } from "./listen-in.ts";
import type { ServicesSettings } from "./services.ts";

/** The lab's own server process: one argument, its settings as JSON. Says `ready` once it listens. */
const settings = JSON.parse(process.argv[2]!) as ServicesSettings;
for (const [port, target] of Object.entries(settings.publish)) await forward(Number(port), target);
if (settings.proxy !== undefined) {
  const web = createServer(aptCache(settings.proxy));
  const { pid, host, port } = settings.proxy;
  const server = await listenIn(pid, host, port);
  server.on("connection", (socket) => web.emit("connection", socket));
}
process.stdout.write("ready\n");
// Keeps running without a port to publish: the lab counts on its being there.
setInterval(() => undefined, 2 ** 30);
