import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { SshTarget } from "./connection.ts";
import { fingerprint, type PinnedKey } from "./host-key.ts";

const place = (target: SshTarget): string => `${target.user}@${target.address}:${target.port}`;

/** The host showed another key than the pinned one, or (without `offered`) has none of that type. Nothing was sent. */
export function hostKeyError(target: SshTarget, pinned: PinnedKey, offered: Buffer | undefined): OlympusError {
  const shows = offered === undefined ? `no ${pinned.type} key` : fingerprint(offered);
  return new OlympusError(
    `${target.name} shows another host key than the pinned one: ${shows}, pinned ${fingerprint(pinned.blob)} (${pinned.type}).`,
    {
      code: "E-HOSTKEY",
      exit: exitCodes.hostKey,
      where: target.pinnedIn,
      hint: `Compare with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the console of ${target.name}; if it was rebuilt on purpose, pin the new key.`,
    },
  );
}

/** Nothing answered within the time. */
export function connectTimeoutError(target: SshTarget, ms: number, cause?: unknown): OlympusError {
  return new OlympusError(`${target.name}: no answer on ${target.address}:${target.port} within ${ms / 1000} s.`, {
    code: "E-SSH-TIMEOUT",
    exit: exitCodes.unreachable,
    where: target.name,
    hint: `Is the machine up and the address right? npx olympus doctor ${target.name}`,
    cause,
  });
}

/** A command took longer than its caller allows; its channel is closed. */
export function commandTimeoutError(target: SshTarget, ms: number): OlympusError {
  return new OlympusError(`${target.name}: a command did not end within ${ms / 1000} s.`, {
    code: "E-SSH-TIMEOUT",
    exit: exitCodes.unreachable,
    where: target.name,
  });
}

/** The connection was there and is gone: a reset, a reboot, or no answer to keepalives. */
export function lostError(target: SshTarget, cause?: unknown): OlympusError {
  const reason = cause === undefined ? "" : ` (${messageOf(cause)})`;
  return new OlympusError(`${target.name}: the connection to ${target.address}:${target.port} was lost${reason}.`, {
    code: "E-SSH-LOST",
    exit: exitCodes.unreachable,
    where: target.name,
    hint: "Run the same command again: work on the host goes on without the connection and is taken up from there.",
    cause,
  });
}

const refused: Record<string, string> = {
  ECONNREFUSED: "refuses connections: sshd is not listening",
  EHOSTUNREACH: "cannot be reached: no machine answers at that address",
  ENETUNREACH: "cannot be reached: no route to its network",
};

/** The server took the connection and dropped it before the login, as one does that has too many on their way. */
export function wasDropped(error: unknown): boolean {
  if (!(error instanceof OlympusError) || error.code !== "E-SSH-REFUSED" || error.cause === undefined) return false;
  return refused[(error.cause as { code?: string }).code ?? ""] === undefined;
}

/** The jump host is there, and cannot reach the host behind it. */
export function behindJumpError(target: SshTarget, via: SshTarget, cause: unknown): OlympusError {
  // RFC 4254: 1 is "administratively prohibited".
  const forbidden = (cause as { reason?: unknown }).reason === 1;
  const why = forbidden ? "its sshd forwards nothing: AllowTcpForwarding, PermitOpen" : messageOf(cause);
  return new OlympusError(
    `${target.name}: ${via.name}, through which it is reached, cannot connect to ${target.address}:${target.port} (${why}).`,
    {
      code: "E-SSH-JUMP",
      exit: exitCodes.unreachable,
      where: target.name,
      hint: `npx olympus doctor ${via.name}`,
      cause,
    },
  );
}

/** Sorts what ssh2 or the socket said before authentication into our codes. */
export function connectError(target: SshTarget, pinned: PinnedKey, error: unknown, timeoutMs: number): OlympusError {
  const { level, code } = error as { level?: string; code?: string };
  const message = messageOf(error);
  if (level === "client-timeout" || /Timed out while waiting/.test(message) || code === "ETIMEDOUT") {
    return connectTimeoutError(target, timeoutMs, error);
  }
  if (level === "client-authentication" || /authentication failures/i.test(message)) {
    return new OlympusError(
      `${target.name} does not accept the key for ${place(target)} (${target.privateKey.name}).`,
      {
        code: "E-SSH-AUTH",
        exit: exitCodes.unreachable,
        where: target.name,
        hint: `On its console: is the public key in ~${target.user}/.ssh/authorized_keys? Is the login locked: "!" first in the password field of ${target.user} in /etc/shadow, which sshd refuses with UsePAM no? Then: usermod -p '*' ${target.user}`,
        cause: error,
      },
    );
  }
  if (/no matching host key (format|algorithm)/i.test(message)) return hostKeyError(target, pinned, undefined);
  if (/Cannot parse privateKey/i.test(message)) {
    return new OlympusError(`The private key ${target.privateKey.name} cannot be read.`, {
      code: "E-SSH-AUTH",
      exit: exitCodes.usage,
      where: target.privateKey.name,
      hint: "It must be an OpenSSH private key without a passphrase.",
      cause: error,
    });
  }
  const reason =
    code !== undefined && refused[code] !== undefined
      ? refused[code]
      : `ended the connection before the login (${message}): too many at once, a penalty or a ban?`;
  return new OlympusError(`${target.name}: ${target.address}:${target.port} ${reason}.`, {
    code: "E-SSH-REFUSED",
    exit: exitCodes.unreachable,
    where: target.name,
    hint: `npx olympus doctor ${target.name}`,
    cause: error,
  });
}
