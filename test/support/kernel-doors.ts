/**
 * Doors from a kernel of one's own (own-kernel.ts) to this machine. It stands in a network namespace with one link; what listens at
 * this end of the link is this process, which is handed the listening sockets. No interface, no port of the machine itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { projectRoot } from "../../src/base/paths.ts";

/** Addresses of the link: this machine's end, the kernel's end. */
export const doorAddress = "10.98.0.1";
export const kernelAddress = "10.98.0.2";

export interface Door {
  /** At `doorAddress`, as the kernel sees it. */
  readonly port: number;
  readonly open: (connection: Socket) => void;
}

/** A door to a port of 127.0.0.1. */
export function doorTo(port: number, target = port): Door {
  return {
    port,
    open(inside) {
      const outside = connect(target, "127.0.0.1");
      inside.pipe(outside).pipe(inside);
      for (const [one, other] of [
        [inside, outside],
        [outside, inside],
      ] as const)
        one.on("error", () => other.destroy());
    },
  };
}

/** Starts a kernel behind doors; its link is `vec0`. The console is the child's stdout. Gone with this process. */
export function startBehindDoors(kernel: readonly string[], doors: readonly Door[], env: NodeJS.ProcessEnv) {
  const program = join(projectRoot, "test/support/kernel-doors-program.ts");
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const ports = doors.map(({ port }) => port).join(",");
  const child: ChildProcess = spawn(
    "unshare",
    [...asRoot, "--net", process.execPath, program, ports, ...kernel, "vec0:transport=tap,ifname=tap0"],
    { stdio: ["ignore", "pipe", "pipe", "ipc"], env },
  );
  const open = new Set<Server | Socket>();
  child.on("message", (port, handle) => {
    const server = handle as Server;
    open.add(server);
    server.on("connection", (connection: Socket) => {
      open.add(connection);
      connection.on("error", () => connection.destroy()).on("close", () => open.delete(connection));
      doors.find((door) => door.port === port)!.open(connection);
    });
  });
  child.once("exit", () => {
    // With the namespace went everybody who could have ended these.
    for (const one of open) "destroy" in one ? one.destroy() : one.close();
  });
  return child;
}
