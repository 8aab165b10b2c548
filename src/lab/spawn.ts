import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import { OlympusError } from "../base/errors.ts";
import { identify, type ProcessId } from "./processes.ts";

export interface Detached {
  readonly process: ProcessId;
  /** The first line that the process said. */
  readonly line: string;
  /** Lets it go on: writes `go` to its stdin. Until then the end of our process ends it. */
  go(): void;
}

export interface DetachedOptions {
  /** `cgroup.procs` files that the process writes itself into before anything else, so that it can always be found. */
  readonly groups: readonly string[];
  /** Where stderr goes, and stdout after the first line. */
  readonly log: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** The process tells that it is ready by writing to descriptor 3, not by a line on stdout. */
  readonly readyFd?: boolean;
  /** The kernel ends it together with this process, however that ends: for machines of one test. */
  readonly endsWithUs?: boolean;
}

/**
 * Starts a process that outlives this one and waits for the first line of its stdout.
 * Throws E-LAB-START, with where its log is, when it ends or stays silent.
 */
export async function spawnDetached(argv: readonly string[], options: DetachedOptions): Promise<Detached> {
  mkdirSync(dirname(options.log), { recursive: true });
  const log = openSync(options.log, "a", 0o600);
  // Descriptors that whoever called us left open would be held for as long as the lab is up, and somebody may wait for their end.
  // (bash: other shells cannot close those above 9.) The shell's own number becomes the program's: exec keeps it.
  const script = `for file in $LAB_GROUPS; do echo $$ > "$file" || exit 9; done
for fd in /proc/$$/fd/*; do fd=\${fd##*/}; if [ "$fd" -gt \${LAB_KEEP} ]; then eval "exec $fd>&-"; fi; done
unset LAB_GROUPS LAB_KEEP; exec "$@"`;
  const bound = options.endsWithUs ? ["setpriv", "--pdeathsig", "KILL"] : [];
  const child = spawn("/bin/bash", ["-c", script, "bash", ...bound, ...argv], {
    detached: true,
    cwd: options.cwd ?? "/",
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      ...options.env,
      LAB_GROUPS: options.groups.join(" "),
      LAB_KEEP: options.readyFd ? "3" : "2",
    },
    stdio: options.readyFd ? ["pipe", log, log, "pipe"] : ["pipe", "pipe", log],
  });
  closeSync(log);
  const said = child.stdio[options.readyFd ? 3 : 1] as Readable;
  const stdin = child.stdin as Writable;
  const failed = (why: string): OlympusError =>
    new OlympusError(`${argv[0]} ${why}`, {
      code: "E-LAB-START",
      where: options.log,
      hint: "The log says why; npx olympus lab down removes what was started.",
    });
  const line = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(failed("said nothing for too long"));
    }, options.timeoutMs ?? 60_000);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    let heard = "";
    said.setEncoding("utf8").on("data", (text: string) => {
      heard += text;
      if (options.readyFd || heard.includes("\n")) settle(() => resolve(heard.trim()));
    });
    child.once("error", (error) => settle(() => reject(error)));
    child.once("exit", (code) => settle(() => reject(failed(`ended at once with ${code}`))));
  });
  const process = child.pid === undefined ? undefined : identify(child.pid);
  if (process === undefined) throw failed("ended at once");
  said.destroy();
  stdin.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error; // Ended meanwhile: whoever waits for its service finds out.
  });
  child.removeAllListeners("exit");
  child.unref();
  return {
    process,
    line,
    go() {
      stdin.end("go\n");
    },
  };
}
