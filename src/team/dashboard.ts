import type { LoadedTeam, Machine } from "./model.ts";

/** The port of every agent's dashboard. */
export const dashboardPort = 18789;

/** Where an agent's dashboard is, without a trailing slash: `http://10.220.1.50:18789`, `https:` where it has a certificate. */
export function dashboardUrl({ address, roles }: Pick<Machine, "address" | "roles">, port = dashboardPort): string {
  return `${dashboardTlsOf({ roles }) === "off" ? "http" : "https"}://${address}:${port}`;
}

/** Whose certificate it shows: none, one by the team's own authority, or the given one (PEM). */
export function dashboardTlsOf({
  roles,
}: Pick<Machine, "roles">): "off" | "team-ca" | { readonly certificate: string } {
  const tls = roles.agent?.tls ?? "off";
  if (typeof tls === "object" && tls !== null && "certificate" in tls) return { certificate: String(tls.certificate) };
  return tls === "team-ca" ? "team-ca" : "off";
}

/** Where a token that `olympus tokens` gave stands among the secrets: its line (`grantLine`), not the token. */
export function givenTokenPath(agent: string, name = ""): string {
  return `agents.${agent}.tokens.${name}`;
}

/** Ports of this computer that lead to the agent's dashboard in the lab: browsers name those as Host. */
export function publishedHosts(team: LoadedTeam, machine: Machine): string[] {
  return Object.entries(team.team.lab?.publish ?? {})
    .filter(([, target]) => target === `${machine.address}:${dashboardPort}`)
    .flatMap(([port]) => [`127.0.0.1:${port}`, `localhost:${port}`]);
}
