import { createPrivateKey, X509Certificate } from "node:crypto";
import { exitCodes, messageOf, OlympusError } from "../../src/base/errors.ts";
import type { Secret } from "../../src/base/secret.ts";
import type { RoleContext } from "../../src/converge/types.ts";
import { certificateByTeam, type TlsChoice } from "../mattermost/tls.ts";

/**
 * What the dashboard shows, by the same choices as the chat's: `off`, a certificate by the team's authority (kept among the secrets as
 * `agents.<agent>.tls`, made anew 30 days before its end), or a given one. A given one has to be for the agent's address, by which commands
 * ask. `names` are those that browsers use beside it. Throws E-AGENT-TLS, E-SECRET-MISSING.
 */
export async function dashboardTls(
  choice: TlsChoice,
  published: boolean,
  { team, host, secrets, reporter }: Pick<RoleContext, "team" | "host" | "secrets" | "reporter">,
): Promise<{ certificate: string; key: Secret } | undefined> {
  if (choice === "off") {
    // The lab's network is this computer's own.
    if (team.team.lab === undefined) {
      reporter.warn(
        `${host.name}: the dashboard speaks plain HTTP: its token crosses the network readable (tls: team-ca)`,
      );
    }
    return undefined;
  }
  const path = `agents.${host.name}.tls`;
  if (choice === "team-ca") {
    const addresses = [host.address, ...(published ? ["127.0.0.1"] : [])];
    const names = [`${host.name}.${team.team.network.domain}`, host.name, ...(published ? ["localhost"] : [])];
    return certificateByTeam(path, addresses, names, team.name, secrets);
  }
  const key = secrets.require(`${path}.key`);
  const wrong = problemWith(choice.certificate, key, host.address);
  if (wrong === undefined) return { certificate: choice.certificate, key };
  throw new OlympusError(`${host.name}'s certificate ${wrong}`, {
    code: "E-AGENT-TLS",
    exit: exitCodes.usage,
    where: team.where?.(["agents", host.name, "roles", "agent"]) ?? team.file,
    hint: `Give one for ${host.address} and its key, npx olympus secrets set ${path}.key, or write  tls: team-ca`,
  });
}

function problemWith(pem: string, key: Secret, address: string): string | undefined {
  try {
    const certificate = new X509Certificate(pem);
    if (!certificate.checkPrivateKey(createPrivateKey(key.reveal()))) return "is not for the key among the secrets";
    if (certificate.checkIP(address) === undefined) return `does not name ${address}`;
    return Date.parse(certificate.validTo) < Date.now() ? `ran out on ${certificate.validTo}` : undefined;
  } catch (error) {
    return `or its key cannot be read: ${messageOf(error)}`;
  }
}
