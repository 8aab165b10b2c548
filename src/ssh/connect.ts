import { Socket } from "node:net";
import type { ExecOptions, ExecResult, SshConnection, SshTarget } from "./connection.ts";
import { lostError } from "./errors.ts";
import { runOnChannel } from "./exec.ts";
import { counted, type LoggedIn, login } from "./login.ts";
import { paced } from "./pacing.ts";
import { createQueue } from "./queue.ts";
import { directWay, jumpWay, type Way } from "./way.ts";

/** Stock sshd allows ten sessions on a connection; two stay free for a person's look. */
const maxChannels = 8;
/** For an orderly goodbye; over a dead link it would be waited for as long as TCP has patience. */
const goodbyeMs = 1000;

/**
 * Connects, through a jump host where the target has one, and logs in with the one key given, having verified the pinned host key
 * before anything is sent. Logins to one server are paced.
 *
 * Rejects with E-SSH-REFUSED, E-SSH-TIMEOUT, E-SSH-JUMP, E-SSH-AUTH (exit 4) or E-HOSTKEY (exit 5), or with the
 * signal's reason. Close the connection when done: it keeps the process alive.
 */
export async function connectSsh(target: SshTarget, signal?: AbortSignal): Promise<SshConnection> {
  const { client, lost, way } = await open(target, signal);
  const closed = new AbortController();
  client.on("close", () => {
    closed.abort(lostError(target, lost()));
    way.release();
  });
  const queue = createQueue(maxChannels);

  return {
    target,
    exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
      return queue(async () => {
        closed.signal.throwIfAborted();
        options.signal?.throwIfAborted();
        return runOnChannel(client, target, command, options, closed.signal);
      });
    },
    close() {
      client.end();
      // The server's goodbye is no reason to stay for: when nothing else is left, the process ends at once.
      if (way.stream instanceof Socket) way.stream.unref();
      setTimeout(() => way.stream.destroy(), goodbyeMs).unref();
    },
  };
}

async function open(target: SshTarget, signal: AbortSignal | undefined): Promise<LoggedIn & { readonly way: Way }> {
  const timeoutMs = target.connectTimeoutMs ?? 10_000;
  const loggedIn = async (): Promise<LoggedIn & { readonly way: Way }> => {
    signal?.throwIfAborted();
    const { via } = target;
    const way =
      via === undefined
        ? await directWay(target, timeoutMs, signal)
        : await jumpWay(target, via, timeoutMs, (jump) => openJump(jump, signal));
    try {
      // A host that took the connection is there: an emulated or busy one may need long for its key exchange.
      return { ...(await login(target, way.stream, 3 * timeoutMs, signal)), way };
    } catch (error) {
      way.release();
      throw error;
    }
  };
  return paced(target, signal, loggedIn, ({ client }) => counted(client));
}

/** A jump host's own connection, which may go through another one. */
async function openJump(via: SshTarget, signal: AbortSignal | undefined): Promise<LoggedIn["client"]> {
  const { client, way } = await open(via, signal);
  client.on("close", () => way.release());
  return client;
}
