import { connect as connectSocket } from "node:net";
import ssh2 from "ssh2";
import type { ExecOptions, ExecResult, SshConnection, SshTarget } from "./connection.ts";
import { connectError, connectTimeoutError, hostKeyError, lostError } from "./errors.ts";
import { runOnChannel } from "./exec.ts";
import { hostKeyAlgorithms, parseHostKey, sameKey } from "./host-key.ts";
import { createQueue } from "./queue.ts";

/** Stock sshd allows ten sessions on a connection; two stay free for a person's look. */
const maxChannels = 8;
/** Three unanswered ones end the connection: a dead link is noticed within 16 s. */
const keepaliveMs = 4000;
/** For an orderly goodbye; over a dead link it would be waited for as long as TCP has patience. */
const goodbyeMs = 1000;

/**
 * Connects and logs in with the one key given, having verified the pinned host key before anything is sent.
 *
 * Rejects with E-SSH-REFUSED, E-SSH-TIMEOUT, E-SSH-AUTH (exit 4) or E-HOSTKEY (exit 5), or with the
 * signal's reason. Close the connection when done: it keeps the process alive.
 */
export async function connectSsh(target: SshTarget, signal?: AbortSignal): Promise<SshConnection> {
  signal?.throwIfAborted();
  const timeoutMs = target.connectTimeoutMs ?? 10_000;
  // A host that took the connection is there: an emulated or busy one may need long for its key exchange.
  const loginMs = 3 * timeoutMs;
  const pinned = parseHostKey(target.hostKey);
  const client = new ssh2.Client();
  // Nagle's algorithm with delayed ACKs costs 40 ms a round trip, and ssh2 leaves it on.
  const socket = connectSocket({ host: target.address, port: target.port, noDelay: true });
  let wrongKey: Buffer | undefined;
  let lost: unknown;

  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => {
      clearTimeout(noAnswer);
      signal?.removeEventListener("abort", onAbort);
      client.destroy();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const noAnswer = setTimeout(() => fail(connectTimeoutError(target, timeoutMs)), timeoutMs);
    socket.once("connect", () => clearTimeout(noAnswer));
    client.on("ready", () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    client.on("error", (error) => {
      lost = error;
      fail(
        wrongKey === undefined ? connectError(target, pinned, error, loginMs) : hostKeyError(target, pinned, wrongKey),
      );
    });
    client.on("close", () => fail(connectError(target, pinned, new Error("connection closed"), loginMs)));
    try {
      client.connect({
        sock: socket,
        username: target.user,
        readyTimeout: loginMs,
        keepaliveInterval: keepaliveMs,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: hostKeyAlgorithms(pinned.type) as ssh2.ServerHostKeyAlgorithm[] },
        hostVerifier: (key: Buffer) => {
          if (sameKey(pinned, key)) return true;
          wrongKey = key;
          return false;
        },
        // One attempt with one key: more would cost a round trip each, and count as failures for fail2ban.
        privateKey: target.privateKey.reveal(),
        authHandler: ["publickey"],
      });
    } catch (error) {
      fail(connectError(target, pinned, error, loginMs));
    }
  });

  const closed = new AbortController();
  client.on("close", () => closed.abort(lostError(target, lost)));
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
      // Not a reason to stay for: when nothing else is left, the process ends at once.
      setTimeout(() => socket.destroy(), goodbyeMs).unref();
    },
  };
}
