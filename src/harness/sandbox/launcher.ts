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
  /** Of a single file, in KiB. */
  readonly fileSize: number;
}

/** A sandbox that is made and waits for its command. */
export interface Waiting {
  /** Lets the command begin; nothing where its sandbox is over. */
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
 * outside. It answers with a line when the byte may be written, and one with the exit code. Fields are apart by tabs. A byte for a
 * sandbox that was killed before it read it is taken away before that: the next would begin before it is told to.
 */
const loop = `umask 077
while IFS="	" read -r group script output size; do
while read -r -t 0 -u ${startFd}; do read -r -N 1 -u ${startFd} || exit; done
echo
( echo 0 >"$group" || exit 125; ulimit -c 0; ulimit -n 4096; ulimit -f "$size"; exec "$@" "$script" >>"$output" 2>&1 </dev/null )
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
      "/bin/bash",
      "-c",
      loop,
      "bash",
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
  prepare({ procsFile, script, output, fileSize }: Launch): Waiting {
    let over = false;
    const taken = Promise.withResolvers<void>();
    const ended = this.#last.then(async () => {
      try {
        this.#child.stdin!.write(`${[procsFile, script, output, fileSize].join("\t")}\n`);
        await this.#answer();
        taken.resolve();
        return Number(await this.#answer());
      } finally {
        over = true;
      }
    });
    this.#last = ended.catch(() => undefined);
    const start = async () => {
      await taken.promise;
      // The launcher may have gone on to the next.
      if (!over) this.#start.write("x");
    };
    return { ended, start: () => void start(), isOver: () => over };
  }

  async #answer(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`commands cannot be started: ${this.#said.trim() || "the launcher ended"}`);
    return value;
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
