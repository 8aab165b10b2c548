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
    helper.once("message", (_message, handle) => resolve(handle as Server));
    helper.once("error", reject);
    helper.once("exit", (code) => reject(new Error(`cannot listen on ${host}:${port} in the lab (${code})`)));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  const server = createServer();
  server.listen(Number(process.argv[3]), process.argv[2], () => {
    process.send!("listening", server, undefined, () => process.disconnect());
  });
}
