import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import type { Server } from "node:net";

/** Where a run's programs find the way out. */
export const proxyAddress = { host: "127.0.0.1", port: 3128 } as const;

/** A network of a run: a loopback interface and nothing else. What listens there is the harness. */
export interface RunNetwork {
  /** What a command is put behind to be in it. */
  readonly enter: readonly string[];
  /** Listening at `proxyAddress` of the run's network, in this process. */
  readonly server: Server;
  close(): void;
}

/** Listens inside, hands the listening socket out, and waits to be told that nobody needs it any more. */
const helper = `const server = require("node:net").createServer();
server.listen(${proxyAddress.port}, "${proxyAddress.host}", () => process.send(process.pid, server));
process.on("disconnect", () => process.exit());`;

const helperWithinMs = 60_000;

/**
 * Makes a network namespace. A short-lived process listens in it and passes its socket to us, so that connections from inside arrive
 * here without a process or a socket file in the sandbox; two descriptors keep the namespaces until `close`. Joining one is also
 * quicker than making one for each command.
 */
export async function openNetwork(bwrap: string): Promise<RunNetwork> {
  const child = spawn(
    bwrap,
    ["--unshare-user", "--unshare-net", "--die-with-parent", "--dev-bind", "/", "/", process.execPath, "-e", helper],
    { stdio: ["ignore", "ignore", "pipe", "ipc"], env: {} },
  );
  let said = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-500);
  });
  try {
    const { pid, server } = await new Promise<{ pid: number; server: Server }>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("no network namespace in time")), helperWithinMs);
      child.once("message", (number, handle) => {
        clearTimeout(limit);
        resolve({ pid: number as number, server: handle as Server });
      });
      child.once("error", reject);
      child.once("exit", (code) => {
        clearTimeout(limit);
        reject(new Error(`no network namespace: ${said.trim() || `exit code ${code}`}`));
      });
    });
    // The helper's number, not bubblewrap's own, which stays outside.
    const user = openSync(`/proc/${pid}/ns/user`, "r");
    const net = openSync(`/proc/${pid}/ns/net`, "r");
    return {
      // By our own number: descriptors that a command inherited would stay open in the sandbox.
      enter: [
        "nsenter",
        "--preserve-credentials",
        `--user=/proc/${process.pid}/fd/${user}`,
        `--net=/proc/${process.pid}/fd/${net}`,
      ],
      server,
      close() {
        server.close();
        closeSync(user);
        closeSync(net);
      },
    };
  } finally {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
  }
}
