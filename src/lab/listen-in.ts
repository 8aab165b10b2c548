import { spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";

/**
 * Listens on an address of another network namespace (that of process `pid`) while this process stays in its own: a short-lived
 * helper opens the socket there and hands it over. Guests reach it inside the lab, and its own requests go out like this computer's.
 */
export function listenIn(pid: number, host: string, port: number): Promise<Server> {
  const helper = spawn(
    "nsenter",
    ["--net", "--target", String(pid), process.execPath, fileURLToPath(import.meta.url), host, String(port)],
    { stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  return new Promise((resolve, reject) => {
    let server: Server | undefined;
    helper.once("message", (_message, handle) => {
      server = handle as Server;
      helper.disconnect();
    });
    helper.once("error", reject);
    // Only once the helper is gone is every connection ours: as long as it lives it takes its share of them.
    helper.once("exit", (code) => {
      if (server === undefined) reject(new Error(`cannot listen on ${host}:${port} in the lab (${code})`));
      else resolve(server);
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  process.once("disconnect", () => process.exit());
  const server = createServer();
  server.listen(Number(process.argv[3]), process.argv[2], () => process.send!("listening", server));
}
