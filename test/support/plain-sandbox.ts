/** A sandbox that keeps nothing in: for tests of what is done with one, on machines that cannot make a real one. */
import { mkdirSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { execa } from "execa";
import { inside } from "../../src/harness/sandbox/mounts.ts";
import { openBeside, type Sandbox } from "../../src/harness/sandbox/sandbox.ts";
import { openWorkspace } from "../../src/harness/sandbox/workspace.ts";

/**
 * Runs scripts with the machine's bash, in a folder of each run within `root`. `serve` answers at the proxy that scripts are told of; what they run has
 * SANDBOXED in its environment.
 */
export function plainSandbox(
  root: string,
  serve?: (server: Server, run: string, signal: AbortSignal) => void,
): Sandbox {
  const sandbox: Sandbox = {
    population: async () => 0,
    openEmpty: (run) => openBeside(root, run, (place) => sandbox.open(place)),
    async open(run) {
      const workspace = await openWorkspace(root, run);
      mkdirSync(workspace.work, { recursive: true });
      const end = new AbortController();
      const server = serve && (await listening());
      if (server !== undefined) serve?.(server, run, end.signal);
      const proxy = server && `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const names = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"];
      return {
        workspace,
        prepare: () => undefined,
        async close() {
          end.abort();
          server?.close();
        },
        async run(script, seconds, signal) {
          const began = performance.now();
          const result = await execa("bash", ["-c", script.replaceAll(inside.home, workspace.home)], {
            cwd: workspace.work,
            env: {
              PATH: process.env.PATH ?? "",
              HOME: workspace.home,
              GIT_CONFIG_NOSYSTEM: "1",
              GIT_TERMINAL_PROMPT: "0",
              LANG: "C.UTF-8",
              SANDBOXED: "1",
              ...(proxy && Object.fromEntries(names.map((name) => [name, proxy]))),
            },
            extendEnv: false,
            stdin: "ignore",
            all: true,
            reject: false,
            timeout: seconds * 1000,
            cancelSignal: signal,
          });
          const text = String(result.all ?? "");
          return {
            code: result.exitCode ?? null,
            ending: result.timedOut ? "timeout" : result.isCanceled ? "stopped" : "exited",
            output: { text, bytes: text.length, cut: false },
            tookMs: performance.now() - began,
            outOfProcesses: false,
          };
        },
      };
    },
  };
  return sandbox;
}

async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
