import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";

/** A command to come: what its group, files and limits are. */
export interface Launch {
  readonly procsFile: string;
  /** Path in the sandbox. */
  readonly script: string;
  /** Path on this machine; written to its end. */
  readonly output: string;
  /** Of a single file, in blocks of 512 bytes. */
  readonly blocks: number;
}

/** A sandbox that is made and waits for its command. */
export interface Waiting {
  /** Lets the command begin. */
  start(): void;
  /** Its exit code. Rejects when the launcher ended first. */
  readonly ended: Promise<number>;
  /** Whether it ended without having been started: something killed it, and it is of no use. */
  isOver(): boolean;
}

/** Where a sandbox that is made waits for a byte, as the launcher has it. bubblewrap closes it before the command begins. */
export const startFd = 3;

/**
 * For each line: a process that first joins its group and only then becomes the sandbox, so that nothing of a command ever runs
 * outside; then a line with its exit code. Fields are apart by tabs.
 */
const loop = `umask 077
while IFS="	" read -r group script output blocks; do
( echo 0 >"$group" || exit 125; ulimit -c 0; ulimit -n 4096; ulimit -f "$blocks"; exec "$@" "$script" >>"$output" 2>&1 </dev/null )
echo "$?"
done`;

/**
 * A small shell that starts a run's commands from inside its network. Starting them from this process would copy its memory's tables
 * and enter the namespaces each time: a few milliseconds that a command has to wait.
 */
export class Launcher {
  readonly #child: ChildProcess;
  readonly #start: Writable;
  readonly #answers: AsyncIterator<string>;
  #said = "";
  #last: Promise<unknown> = Promise.resolve();

  /** `enter` is put before the shell, `sandbox` before each script. It ends when we do, and with it what it started. */
  constructor(enter: readonly string[], sandbox: readonly string[]) {
    const [program, ...args] = [
      ...enter,
      "setpriv",
      "--pdeathsig",
      "KILL",
      "/bin/sh",
      "-c",
      loop,
      "sh",
      ...sandbox,
    ] as [string];
    this.#child = spawn(program, args, {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      cwd: "/",
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    // Told by the end of its answers.
    this.#child.on("error", (error) => {
      this.#said = error.message;
    });
    this.#child.stdin!.on("error", () => undefined);
    this.#start = this.#child.stdio[startFd] as Writable;
    this.#start.on("error", () => undefined);
    this.#child.stderr!.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-500);
    });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** Makes the sandbox of a command, after the commands before it have ended. */
  prepare({ procsFile, script, output, blocks }: Launch): Waiting {
    let over = false;
    const ended = this.#last.then(async () => {
      this.#child.stdin!.write(`${[procsFile, script, output, blocks].join("\t")}\n`);
      const { value, done } = await this.#answers.next();
      over = true;
      if (done === true) throw new Error(`commands cannot be started: ${this.#said.trim() || "the launcher ended"}`);
      return Number(value);
    });
    this.#last = ended.catch(() => undefined);
    return { ended, start: () => this.#start.write("x"), isOver: () => over };
  }

  /** Whether it has ended, and takes no more. */
  isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
  }

  async close(): Promise<void> {
    if (this.isOver()) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}
