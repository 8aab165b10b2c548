/** Inside of the namespace: makes the link, listens at this end of it, hands the sockets out, runs the kernel. See kernel-doors.ts. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { doorAddress } from "./kernel-doors.ts";

const [ports = "", command, ...args] = process.argv.slice(2);
const ip = (...words: string[]) => execFileSync("ip", words, { stdio: ["ignore", "ignore", "inherit"] });
ip("link", "set", "lo", "up");
ip("tuntap", "add", "dev", "tap0", "mode", "tap");
ip("address", "add", `${doorAddress}/30`, "dev", "tap0");
ip("link", "set", "tap0", "up");
for (const port of ports.split(",").map(Number)) {
  const server = createServer();
  server.listen(port, doorAddress);
  await once(server, "listening");
  await new Promise<void>((resolve) => process.send!(port, server, () => resolve()));
  server.close();
}
// Should this process be killed, nobody else is left to end it. Asked to, it takes its helpers along.
const kernel = spawn("setpriv", ["--pdeathsig", "TERM", "--", command!, ...args], {
  stdio: ["ignore", "inherit", "inherit"],
});
process.once("disconnect", () => kernel.kill("SIGTERM"));
const [code] = (await once(kernel, "exit")) as [number | null];
process.exit(code ?? 1);
