import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { exitCodes, messageOf } from "../base/errors.ts";
import { listHosts } from "../team/hosts.ts";
import { oldValueOf, type RotateContext, type Rotation, rotationError } from "./rotation.ts";

const halves = ["certificate", "key"] as const;

/**
 * The chat's certificate and its key, where they are by the team's own authority. Everybody trusts that, so nobody has to learn of the
 * new one. The role makes it when there is none.
 */
export function chatCertificateRotation(context: RotateContext): Rotation {
  const { team, secrets, apply, chatUrl, signal } = context;
  const hosts = listHosts(team).filter(({ roles }) => "mattermost" in roles);
  return {
    name: "tls.chat",
    users: hosts.map(({ name }) => `the chat on ${name}`),
    overlap: "none is needed: both are by the team's authority; the chat restarts once",
    begun: () => oldValueOf(secrets, "tls.chat.key") !== undefined,
    async begin() {
      for (const half of halves) {
        secrets.set(`rotation.tls.chat.${half}`, secrets.require(`tls.chat.${half}`).reveal());
        secrets.delete(`tls.chat.${half}`);
      }
      await secrets.save();
    },
    deliver: () =>
      apply(
        "mattermost",
        hosts.map(({ name }) => name),
      ),
    async verify() {
      const shown = await shownBy(chatUrl, secrets.require("tls.authority.certificate").reveal(), signal);
      if (shown === new X509Certificate(secrets.require("tls.chat.certificate").reveal()).fingerprint256) return;
      throw rotationError("the chat still shows another certificate", chatUrl);
    },
    async finish() {
      for (const half of halves) secrets.delete(`rotation.tls.chat.${half}`);
      await secrets.save();
    },
  };
}

/** Fingerprint of the certificate that a server shows to who trusts `authority`. Throws E-ROTATE when it is not there, or another's. */
function shownBy(url: string, authority: string, signal: AbortSignal): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = connect({ host: hostname, port: Number(port || 443), ca: authority, timeout: 10_000 }, () => {
      done(socket.getPeerX509Certificate()!.fingerprint256);
      socket.destroy();
    });
    const giveUp = (cause: unknown): void => {
      fail(rotationError(`the chat does not answer: ${messageOf(cause)}`, url, { exit: exitCodes.unreachable, cause }));
      socket.destroy();
    };
    socket.on("error", giveUp).on("timeout", () => giveUp(new Error("nothing within 10 s")));
    signal.addEventListener("abort", () => giveUp(signal.reason), { once: true });
  });
}
