import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { SecretStore } from "../../secrets/store.ts";

/** Lets this process trust what the team's own authority signed, beside what it trusts already. Without such an authority nothing changes. */
export function trustTeamAuthority(secrets: Pick<SecretStore, "get">): void {
  const authority = secrets.get("tls.authority.certificate")?.reveal();
  if (authority === undefined) return;
  const trusted = getCACertificates("default");
  if (!trusted.includes(authority)) setDefaultCACertificates([...trusted, authority]);
}
