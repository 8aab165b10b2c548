import { connect as connectSocket } from "node:net";
import ssh2 from "ssh2";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";

/** What is asked for first when a host has several keys. */
const algorithms: ssh2.ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/**
 * The public host key that an SSH server shows, in wire format. The handshake proves that the server holds it;
 * nothing is sent after it and nobody logs in.
 *
 * Rejects with E-SSH-TIMEOUT or E-SSH-REFUSED (exit 4).
 */
export async function offeredKey(
  host: { readonly name: string; readonly address: string; readonly port: number },
  signal: AbortSignal,
  timeoutMs = 10_000,
): Promise<Buffer> {
  signal.throwIfAborted();
  const client = new ssh2.Client();
  const socket = connectSocket({ host: host.address, port: host.port, noDelay: true });
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([signal, timeout]);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      stop.addEventListener("abort", () => reject(timeout.aborted ? silent(host, timeoutMs) : signal.reason), {
        once: true,
      });
      client.on("error", (error) => reject(refused(host, error)));
      client.on("close", () => reject(refused(host, new Error("connection closed"))));
      client.connect({
        sock: socket,
        // Never used: the key is refused before the login, so the name only has to be there.
        username: "olympus-pin",
        readyTimeout: timeoutMs,
        algorithms: { serverHostKey: algorithms },
        hostVerifier: (key: Buffer) => {
          resolve(Buffer.from(key));
          return false;
        },
      });
    });
  } finally {
    client.on("error", () => undefined);
    client.destroy();
    socket.destroy();
  }
}

function silent(host: { name: string; address: string; port: number }, timeoutMs: number): OlympusError {
  return new OlympusError(`${host.name}: no answer on ${host.address}:${host.port} within ${timeoutMs / 1000} s`, {
    code: "E-SSH-TIMEOUT",
    exit: exitCodes.unreachable,
    where: host.name,
    hint: "Is the machine up, and the address in the team file right?",
  });
}

function refused(host: { name: string; address: string; port: number }, error: unknown): OlympusError {
  return new OlympusError(
    `${host.name}: no SSH server to talk to on ${host.address}:${host.port} (${messageOf(error)})`,
    {
      code: "E-SSH-REFUSED",
      exit: exitCodes.unreachable,
      where: host.name,
      hint: "Is sshd running there, and the address in the team file right?",
      cause: error,
    },
  );
}
