import { createSecureContext } from "node:tls";
import { messageOf, OlympusError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { AgentConfig } from "./config.ts";

/** What a server over TLS shows, PEM. */
export interface ServerTls {
  readonly certificate: string;
  readonly key: Secret;
}

/** The dashboard's certificate and key; undefined where it speaks plain HTTP. `secret` reads a file. Throws E-AGENT-SECRET, E-AGENT-TLS. */
export function tlsOf({ tls }: AgentConfig["listen"], secret: (name: string) => Secret): ServerTls | undefined {
  if (tls === undefined) return undefined;
  const key = secret(tls.keyFile);
  try {
    createSecureContext({ cert: tls.certificate, key: key.reveal() });
  } catch (cause) {
    throw new OlympusError(`the dashboard's certificate and key do not fit: ${messageOf(cause)}`, {
      code: "E-AGENT-TLS",
      hint: "npm run role -- setup agent --host <agent>  puts both there",
      cause,
    });
  }
  return { certificate: tls.certificate, key };
}
