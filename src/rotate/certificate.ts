import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { exitCodes, messageOf } from "../base/errors.ts";
import { chatByTeamAuthority } from "../bootstrap/url.ts";
import { dashboardTlsOf, dashboardUrl } from "../team/dashboard.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam, Machine } from "../team/model.ts";
import { oldValueOf, type RotateContext, type Rotation, rotationError } from "./rotation.ts";

const halves = ["certificate", "key"] as const;

/** Who shows a certificate by the team's own authority. */
export interface Shower {
  /** `tls.chat`: its two halves are among the secrets. */
  readonly path: string;
  /** Sets it up, and makes the certificate when there is none. */
  readonly role: string;
  readonly hosts: readonly string[];
  readonly url: string;
  /** What people call it: "the chat". */
  readonly what: string;
}

/** The chat's certificate and its key. */
export function chatCertificateRotation(context: RotateContext): Rotation {
  return certificateRotation(chatOf(context), context);
}

/** A dashboard's certificate and its key. */
export function dashboardCertificateRotation(machine: Machine, context: RotateContext): Rotation {
  return certificateRotation(dashboardOf(machine), context);
}

/** Everybody who shows a certificate by the team's authority. */
export function showersByTeam(context: RotateContext): Shower[] {
  const { team } = context;
  return [...(chatByTeamAuthority(team) ? [chatOf(context)] : []), ...withOwnCertificate(team).map(dashboardOf)];
}

/** Agents whose dashboard has a certificate by the team's authority. */
export const withOwnCertificate = (team: LoadedTeam): Machine[] =>
  team.machines.filter((machine) => dashboardTlsOf(machine) === "team-ca");

function chatOf({ team, chatUrl: url }: RotateContext): Shower {
  const hosts = listHosts(team).filter(({ roles }) => "mattermost" in roles);
  return { path: "tls.chat", role: "mattermost", hosts: hosts.map(({ name }) => name), url, what: "the chat" };
}

function dashboardOf(machine: Machine): Shower {
  const { name } = machine;
  return {
    path: `agents.${name}.tls`,
    role: "agent",
    hosts: [name],
    url: dashboardUrl(machine),
    what: `${name}'s dashboard`,
  };
}

/** Everybody trusts the team's authority, so nobody has to learn of the new certificate. */
function certificateRotation(shower: Shower, context: RotateContext): Rotation {
  const { path, role, hosts, what } = shower;
  const { secrets, apply } = context;
  return {
    name: path,
    users: hosts.map((name) => `${what} on ${name}`),
    overlap: `none is needed: both are by the team's authority; ${what} restarts once`,
    begun: () => oldValueOf(secrets, `${path}.key`) !== undefined,
    async begin() {
      for (const half of halves) {
        secrets.set(`rotation.${path}.${half}`, secrets.require(`${path}.${half}`).reveal());
        secrets.delete(`${path}.${half}`);
      }
      await secrets.save();
    },
    deliver: () => apply(role, hosts),
    verify: () => seeCertificate(shower, context),
    async finish() {
      for (const half of halves) secrets.delete(`rotation.${path}.${half}`);
      await secrets.save();
    },
  };
}

/** Who trusts the team's authority alone sees the certificate that stands among the secrets. Throws E-ROTATE. */
export async function seeCertificate({ path, url, what }: Shower, { secrets, signal }: RotateContext): Promise<void> {
  const shown = await shownBy(url, what, secrets.require("tls.authority.certificate").reveal(), signal);
  if (shown === new X509Certificate(secrets.require(`${path}.certificate`).reveal()).fingerprint256) return;
  throw rotationError(`${what} still shows another certificate`, url);
}

/** Fingerprint of the certificate that a server shows to who trusts `authority`. Throws E-ROTATE when it is not there, or another's. */
function shownBy(url: string, what: string, authority: string, signal: AbortSignal): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = connect({ host: hostname, port: Number(port || 443), ca: authority, timeout: 10_000 }, () => {
      done(socket.getPeerX509Certificate()!.fingerprint256);
      socket.destroy();
    });
    const giveUp = (cause: unknown): void => {
      fail(rotationError(`${what} does not answer: ${messageOf(cause)}`, url, { exit: exitCodes.unreachable, cause }));
      socket.destroy();
    };
    socket.on("error", giveUp).on("timeout", () => giveUp(new Error("nothing within 10 s")));
    signal.addEventListener("abort", () => giveUp(signal.reason), { once: true });
  });
}
