import { constants } from "node:os";
import { Readable } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { OlympusError } from "../base/errors.ts";
import type { ExecOptions, ExecResult, SshTarget } from "./connection.ts";
import { commandTimeoutError, lostError } from "./errors.ts";

/** What is kept of a command's output, bytes: a host that talks without end must not fill this computer's memory. */
const mostOutput = 32 * 1024 * 1024;

/** Runs one command on a channel of its own. `closed` is aborted, with the error to throw, when the connection ends. */
export async function runOnChannel(
  client: Client,
  target: SshTarget,
  command: string,
  options: ExecOptions,
  closed: AbortSignal,
): Promise<ExecResult> {
  return new Promise<ExecResult>((resolve, reject) => {
    let channel: ClientChannel | undefined;
    let timer: NodeJS.Timeout | undefined;
    let code: number | undefined;
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let kept = 0;

    let over = false;
    const settle = (finish: () => void): void => {
      over = true;
      clearTimeout(timer);
      closed.removeEventListener("abort", onClosed);
      options.signal?.removeEventListener("abort", onAbort);
      finish();
    };
    const giveUp = (reason: unknown): void => {
      settle(() => reject(reason));
      channel?.close();
    };
    const onClosed = (): void => giveUp(closed.reason);
    const onAbort = (): void => giveUp(options.signal?.reason);
    closed.addEventListener("abort", onClosed, { once: true });
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.timeoutMs !== undefined) {
      const limit = options.timeoutMs;
      timer = setTimeout(() => giveUp(commandTimeoutError(target, limit)), limit);
    }

    const keep = (chunks: Buffer[], chunk: Buffer, read: ((chunk: Buffer) => void) | undefined): void => {
      if (over) return;
      if (kept + chunk.length <= mostOutput) {
        kept += chunk.length;
        chunks.push(chunk);
      } else if (read === undefined) giveUp(tooMuchError(target));
      read?.(chunk);
    };

    const onChannel = (error: Error | undefined, stream: ClientChannel): void => {
      if (error !== undefined) {
        giveUp(lostError(target, error));
        return;
      }
      if (over) {
        // Given up while the channel was being opened: the command gets no input and no reader.
        stream.close();
        return;
      }
      channel = stream;
      stream.on("data", (chunk: Buffer) => keep(stdout, chunk, options.onStdout));
      stream.stderr.on("data", (chunk: Buffer) => keep(stderr, chunk, options.onStderr));
      stream.on("exit", (status: number | null, signal?: string) => {
        code = status ?? 128 + (constants.signals[`SIG${signal?.replace(/^SIG/, "")}` as NodeJS.Signals] ?? 0);
      });
      // A command may end without reading its input; then writing fails, and the exit code tells what counts.
      stream.on("error", (problem: Error) =>
        stderr.push(Buffer.from(options.stdin === undefined ? problem.message : "")),
      );
      stream.on("close", () =>
        settle(() => {
          if (code === undefined) reject(lostError(target));
          else
            resolve({
              code,
              stdout: Buffer.concat(stdout).toString("utf8"),
              stderr: Buffer.concat(stderr).toString("utf8"),
            });
        }),
      );
      if (options.stdin instanceof Readable) {
        options.stdin.on("error", giveUp);
        options.stdin.pipe(stream);
      } else {
        stream.end(options.stdin);
      }
    };

    try {
      client.exec(command, onChannel);
    } catch (error) {
      giveUp(lostError(target, error));
    }
  });
}

function tooMuchError(target: SshTarget): OlympusError {
  return new OlympusError(`${target.name}: a command said more than ${mostOutput / 2 ** 20} MB.`, {
    code: "E-SSH-OUTPUT",
    where: target.name,
    hint: `Is something wrong with it? npx olympus doctor ${target.name}`,
  });
}
