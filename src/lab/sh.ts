import { spawn } from "node:child_process";
import { OlympusError } from "../base/errors.ts";

export interface RunOptions {
  /** Written to the command's stdin, which is then closed. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Called with each line of output as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell and waits for it. Resolves with any exit code (128 + n for signal n); rejects when it cannot start. */
export function tryRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
      signal: options.signal,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    const tell = (chunk: string): void => {
      if (options.onLine) for (const line of chunk.split("\n")) if (line.trim()) options.onLine(line.trim());
    };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
      tell(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
      tell(chunk);
    });
    // A program that does not read its stdin closes it early; its exit code says how it went.
    child.stdin.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error);
    });
    child.stdin.end(options.input ?? "");
    child.on("error", (error) =>
      reject(
        (error as NodeJS.ErrnoException).code === "ENOENT"
          ? new OlympusError(`${program} is not installed`, {
              code: "E-LAB-TOOLS",
              hint: "npx olympus lab up names the Debian packages that the lab needs",
              cause: error,
            })
          : error,
      ),
    );
    child.on("close", (code, name) => resolve({ code: code ?? (name === "SIGKILL" ? 137 : 143), stdout, stderr }));
  });
}

/** Like `tryRun`, but an exit code other than 0 throws E-LAB-COMMAND with the end of the program's output. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const ran = await tryRun(program, args, options);
  if (ran.code === 0) return ran.stdout;
  const said = (ran.stderr.trim() || ran.stdout.trim()).split("\n").slice(-8).join("\n");
  throw new OlympusError(`${[program, ...args].join(" ").slice(0, 200)} ended with ${ran.code}\n${said}`, {
    code: "E-LAB-COMMAND",
    hint: "npx olympus lab down, then npx olympus lab up; the message above is the program's own",
  });
}
