import { X509Certificate } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { teamAuthorities } from "../../secrets/authority.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { dashboardTlsOf } from "../team/dashboard.ts";
import type { Machine } from "../team/model.ts";

/** Lets this process trust what the team's own authority signed, beside what it trusts already. Without such an authority nothing changes. */
export function trustTeamAuthority(secrets: Pick<SecretStore, "get">): void {
  trust(teamAuthorities(secrets));
}

/** The same for an agent's dashboard: the team's authority, or the one that stands in a given certificate's file. */
export function trustDashboard(machine: Pick<Machine, "roles">, secrets: Pick<SecretStore, "get">): void {
  const tls = dashboardTlsOf(machine);
  if (tls === "team-ca") trustTeamAuthority(secrets);
  else if (tls !== "off") trust(authoritiesIn(tls.certificate));
}

const known = new Set<string>();

function trust(authorities: readonly string[]): void {
  const fresh = authorities.filter((one) => !known.has(one));
  if (fresh.length === 0) return;
  setDefaultCACertificates([...getCACertificates("default"), ...fresh]);
  for (const one of fresh) known.add(one);
}

/** Certificates that are signed by themselves: nobody's authority has to be known to check them. */
function authoritiesIn(pem: string): string[] {
  const all = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return all.filter((one) => {
    const certificate = new X509Certificate(one);
    return certificate.checkIssued(certificate);
  });
}
