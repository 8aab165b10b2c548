import { connect as connectSocket, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type ssh2 from "ssh2";
import type { SshTarget } from "./connection.ts";
import { behindJumpError, connectError, connectTimeoutError } from "./errors.ts";
import { parseHostKey } from "./host-key.ts";

/** A way to a server that SSH can be spoken over. */
export interface Way {
  readonly stream: Duplex;
  /** Gives up what was shared for it, such as the connection to a jump host. */
  release(): void;
}

/** A TCP connection of its own. Rejects with E-SSH-REFUSED, E-SSH-TIMEOUT or the signal's reason. */
export async function directWay(target: SshTarget, timeoutMs: number, signal: AbortSignal | undefined): Promise<Way> {
  // Nagle's algorithm with delayed ACKs costs 40 ms a round trip, and ssh2 leaves it on.
  const socket: Socket = connectSocket({ host: target.address, port: target.port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
      if (error === undefined) {
        resolve();
        return;
      }
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => settle(signal?.reason);
    const timer = setTimeout(() => settle(connectTimeoutError(target, timeoutMs)), timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => settle());
    socket.once("error", (error) => settle(connectError(target, parseHostKey(target.hostKey), error, timeoutMs)));
  });
  return { stream: socket, release: () => undefined };
}

interface Shared {
  readonly client: Promise<ssh2.Client>;
  users: number;
}

/** One connection to each jump host, for all hosts behind it. */
const jumps = new Map<string, Shared>();

/**
 * A channel through a jump host, over a connection that all hosts behind it share: thirty hosts cost its sshd one login.
 * `open` logs in to the jump host. Rejects with E-SSH-JUMP when it cannot reach the host, and as `open` does.
 */
export async function jumpWay(
  target: SshTarget,
  via: SshTarget,
  timeoutMs: number,
  open: (via: SshTarget) => Promise<ssh2.Client>,
): Promise<Way> {
  const place = `${via.user}@${via.address}:${via.port} ${via.hostKey}`;
  let jump = jumps.get(place);
  if (jump === undefined) {
    const client = open(via);
    jump = { client, users: 0 };
    jumps.set(place, jump);
    const forget = (): void => {
      if (jumps.get(place)?.client === client) jumps.delete(place);
    };
    client.then((ready) => ready.on("close", forget), forget);
  }
  const shared = jump;
  shared.users += 1;
  const release = (): void => {
    shared.users -= 1;
    if (shared.users > 0) return;
    if (jumps.get(place) === shared) jumps.delete(place);
    shared.client.then(
      (client) => client.end(),
      () => undefined,
    );
  };
  try {
    const client = await shared.client;
    const stream = await new Promise<Duplex>((resolve, reject) => {
      const timer = setTimeout(() => reject(connectTimeoutError(target, timeoutMs)), timeoutMs);
      client.forwardOut("127.0.0.1", 0, target.address, target.port, (error, channel) => {
        clearTimeout(timer);
        if (error === undefined) resolve(channel);
        else reject(behindJumpError(target, via, error));
      });
    });
    return { stream, release };
  } catch (error) {
    release();
    throw error;
  }
}
