import { forward } from "./forward.ts";
import type { ServicesSettings } from "./services.ts";

/** The lab's own server process: one argument, its settings as JSON. Says `ready` once it listens. */
const settings = JSON.parse(process.argv[2]!) as ServicesSettings;
for (const [port, target] of Object.entries(settings.publish)) await forward(Number(port), target);
process.stdout.write("ready\n");
// Keeps running without a port to publish: the lab counts on its being there.
setInterval(() => undefined, 2 ** 30);
