import { messageOf } from "../base/errors.ts";

/** A host is asked anew each time: over a connection from before, one that started again in between would look broken. */
export const oneConnection = { connection: "close" } as const;

/** Why a host did not answer a request to `place` (`10.220.1.50:18789`), in words; `seconds` is how long it was given. */
export function whyUnreached(error: unknown, place: string, seconds: number): string {
  const host = place.replace(/:\d+$/, "");
  const { code, name } = rootOf(error);
  switch (code ?? name) {
    case "ECONNREFUSED":
      return `nothing listens on ${place}`;
    case "EHOSTUNREACH":
    case "EHOSTDOWN":
      return `no machine answers at ${host}`;
    case "ENETUNREACH":
      return `this computer has no way to ${host}`;
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
    case "TimeoutError":
      return `no answer from ${place} within ${seconds} s`;
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return `${place} broke the connection off`;
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return `${place} does not speak TLS: npm run role -- setup agent`;
    default:
      // OpenSSL has many words for it: UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_HAS_EXPIRED, ERR_TLS_CERT_ALTNAME_INVALID, …
      if (/CERT|SIGNATURE/.test(code ?? ""))
        return `its certificate is not one that this computer trusts (${messageOf(rootOf(error).error)})`;
      return `${place} cannot be asked: ${messageOf(rootOf(error).error)}`;
  }
}

/** Whether nothing at all came back: another port of that host would be waited for just as long. */
export function saidNothing(error: unknown): boolean {
  const { code, name } = rootOf(error);
  return silence.includes(String(code ?? name));
}

const silence = ["EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "TimeoutError"];

/** The innermost cause: `fetch` hides what happened behind "fetch failed". */
function rootOf(error: unknown): { code: string | undefined; name: string | undefined; error: unknown } {
  if (!(error instanceof Error)) return { code: undefined, name: undefined, error };
  if (error.cause instanceof Error) return rootOf(error.cause);
  // Of an abort, a number that says nothing.
  const { code } = error as NodeJS.ErrnoException;
  return { code: typeof code === "string" ? code : undefined, name: error.name, error };
}
