import { z } from "zod";
import {
  type Certificate,
  makeAuthority,
  makeServerCertificate,
  stillGood,
  teamAuthorities,
} from "../../secrets/authority.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { Secret } from "../../src/base/secret.ts";
import { chatByTeamAuthority } from "../../src/bootstrap/url.ts";
import type { Operation } from "../../src/converge/operations.ts";
import type { RoleContext } from "../../src/converge/types.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { secretsFolder, unitName } from "./unit.ts";

/** `off`, a certificate by the team's own authority, or a given one (PEM, with those between it and its authority). */
export const tlsSchema = z
  .union([
    z.literal("off"),
    z.literal("team-ca"),
    z.strictObject({ certificate: z.string().startsWith("-----BEGIN CERTIFICATE-----") }),
  ])
  .default("off");

export type TlsChoice = z.output<typeof tlsSchema>;

/** What the server shows, and the name by which the machine itself asks for it. */
export interface ServerTls {
  readonly certificate: string;
  readonly key: Secret;
  readonly name: string;
}

export const certificateFile = "/etc/olympus/mattermost.crt";
const keyFile = `${secretsFolder}/mattermost-tls.key`;

/**
 * The certificate that was chosen. The team's authority, and the chat's certificate by it, are made when they are missing and kept among
 * the secrets; a certificate is made anew 30 days before its end. Throws E-SECRET-MISSING for a given certificate without its key.
 */
export async function chatTls(
  choice: TlsChoice,
  siteUrl: string | undefined,
  { team, host, secrets, reporter }: Pick<RoleContext, "team" | "host" | "secrets" | "reporter">,
): Promise<ServerTls | undefined> {
  const site = siteUrl === undefined ? undefined : new URL(siteUrl);
  const name = site?.hostname ?? host.address;
  if (choice === "off") {
    // The lab's network is this computer's own; a proxy in front speaks TLS itself.
    if (team.team.lab === undefined && site?.protocol !== "https:") {
      reporter.warn(`${host.name}: the chat speaks plain HTTP: passwords cross the network readable (tls: team-ca)`);
    }
    return undefined;
  }
  if (choice !== "team-ca") return { ...choice, key: secrets.require("tls.chat.key"), name };
  const names = [`${host.name}.${team.team.network.domain}`, host.name];
  if (site !== undefined && !/^[\d.]+$/.test(site.hostname)) names.push(site.hostname);
  return { ...(await certificateByTeam("tls.chat", [host.address], names, team.name, secrets)), name };
}

/**
 * A server's certificate by the team's authority, kept among the secrets as `<path>.certificate` and `.key`; both are made when they
 * are missing, and the certificate is made anew 30 days before its end.
 */
export async function certificateByTeam(
  path: string,
  addresses: readonly string[],
  names: readonly string[],
  team: string,
  secrets: SecretStore,
): Promise<{ certificate: string; key: Secret }> {
  const authority = teamAuthority(team, secrets);
  const have = secrets.get(`${path}.certificate`)?.reveal();
  if (have === undefined || !stillGood(have, authority.certificate, addresses, names)) {
    const made = makeServerCertificate(authority, addresses, names);
    secrets.set(`${path}.certificate`, made.certificate);
    secrets.set(`${path}.key`, made.key);
  }
  await secrets.save();
  return { certificate: secrets.require(`${path}.certificate`).reveal(), key: secrets.require(`${path}.key`) };
}

/** The team's own authority; made when it is missing, and in the file with the next save. */
export function teamAuthority(team: string, secrets: SecretStore): Certificate {
  if (secrets.get("tls.authority.key") === undefined) {
    const made = makeAuthority(`Olympus authority of ${team}`);
    secrets.set("tls.authority.certificate", made.certificate);
    secrets.set("tls.authority.key", made.key);
  }
  return {
    certificate: secrets.require("tls.authority.certificate").reveal(),
    key: secrets.require("tls.authority.key").reveal(),
  };
}

/** What machines and agents trust, in PEM: the team's own authority where the chat has a certificate by it; two while it is rotated. */
export function trustedAuthorities(team: LoadedTeam, secrets: SecretStore): string[] {
  if (!chatByTeamAuthority(team)) return [];
  teamAuthority(team.name, secrets);
  return teamAuthorities(secrets);
}

export function tlsOperations({ certificate, key }: ServerTls, restarts: readonly string[]): Operation[] {
  return [
    { kind: "package", id: "tls-client", names: ["curl"] },
    { kind: "file", id: "certificate", path: certificateFile, content: `${certificate.trimEnd()}\n`, restarts },
    { kind: "file", id: "key", path: keyFile, content: new Secret(key.name, key.reveal()), mode: "0600", restarts },
  ];
}

/** Lines of the unit: systemd hands the key to the server's user alone. */
export const tlsCredential = `LoadCredential=tls-key:${keyFile}\n`;

export const tlsSettings: Readonly<Record<string, string>> = {
  MM_SERVICESETTINGS_CONNECTIONSECURITY: "TLS",
  MM_SERVICESETTINGS_TLSCERTFILE: certificateFile,
  MM_SERVICESETTINGS_TLSKEYFILE: `/run/credentials/${unitName}/tls-key`,
};
