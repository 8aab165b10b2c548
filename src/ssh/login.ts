import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import type { SshTarget } from "./connection.ts";
import { connectError, hostKeyError } from "./errors.ts";
import { hostKeyAlgorithms, parseHostKey, sameKey } from "./host-key.ts";

/** Three unanswered ones end the connection, at the fourth: a dead link is noticed within 14 s. */
export const keepalive = { keepaliveInterval: 3500, keepaliveCountMax: 3 } as const;

/** What ssh2 said after the login, when the connection ended. */
export interface LoggedIn {
  readonly client: ssh2.Client;
  /** The last error; undefined when it closed without a word. */
  lost(): unknown;
}

/**
 * Speaks SSH over an open way to the server: verifies the pinned host key before anything is sent, then logs in with the one key given.
 * Rejects as `connectSsh` does, and destroys `way` then.
 */
export async function login(
  target: SshTarget,
  way: Duplex,
  loginMs: number,
  signal: AbortSignal | undefined,
): Promise<LoggedIn> {
  const pinned = parseHostKey(target.hostKey);
  const client = new ssh2.Client();
  let wrongKey: Buffer | undefined;
  let lost: unknown;

  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => {
      signal?.removeEventListener("abort", onAbort);
      client.destroy();
      way.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
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
        sock: way,
        username: target.user,
        readyTimeout: loginMs,
        ...keepalive,
        ...(target.keepaliveMs === undefined ? {} : { keepaliveInterval: target.keepaliveMs }),
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
  return { client, lost: () => lost };
}

/**
 * Resolves once the server counts a login no more as one on its way, or the connection ended. The client hears that it is in from the
 * server's unprivileged child, while sshd's listener still waits for the other (`MaxStartups`); whatever is asked after that is answered
 * by who comes after both. Asked is the end of a forwarding that there is not: a request without effect, which every server must answer
 * (RFC 4254 §4).
 */
export async function counted(client: ssh2.Client): Promise<void> {
  return new Promise((resolve) => {
    client.once("close", () => resolve());
    client.unforwardIn("127.0.0.1", 1, () => resolve());
  });
}
