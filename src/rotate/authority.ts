import { makeAuthority, makeServerCertificate } from "../../secrets/authority.ts";
import { trustTeamAuthority } from "../bootstrap/trust.ts";
import { chatByTeamAuthority } from "../bootstrap/url.ts";
import { listHosts } from "../team/hosts.ts";
import { seeCertificate, showersByTeam } from "./certificate.ts";
import { applyToAgents, onHost, type RotateContext, type Rotation, rotationError } from "./rotation.ts";

const halves = ["certificate", "key"] as const;
const current = "tls.authority";
/** Trusted beside the current one, before it signs anything. */
const next = "rotation.tls.authority.next";
/** Trusted still: signs nothing any more. */
const old = "rotation.tls.authority.old";
/** Trusted by nobody who was set up since. */
const ended = "rotation.tls.authority.ended";

/**
 * The team's own authority. Everybody trusts both before the new one signs the first certificate, and the old one until nobody shows a
 * certificate by it. Machines and agents trust it where the chat has a certificate by it; commands on this computer read the secrets.
 */
export function authorityRotation(context: RotateContext): Rotation {
  const { team, secrets, apply, signal } = context;
  const showers = showersByTeam(context);
  const trusting = chatByTeamAuthority(team) ? listHosts(team).filter(({ roles }) => "base" in roles) : [];
  const machines = trusting.map(({ name }) => name);
  const value = (path: string): string => secrets.require(path).reveal();
  const has = (path: string): boolean => secrets.get(`${path}.key`) !== undefined;
  const move = (from: string, to: string): void => {
    for (const half of halves) {
      secrets.set(`${to}.${half}`, value(`${from}.${half}`));
      secrets.delete(`${from}.${half}`);
    }
  };
  const authority = (path: string) => ({ certificate: value(`${path}.certificate`), key: value(`${path}.key`) });
  return {
    name: current,
    users: [...machines, ...showers.map(({ what }) => what), "this computer's commands"],
    overlap:
      "both are trusted until nobody shows a certificate by the old one; browsers warn until people import the new one",
    begun: () => has(next) || has(old) || has(ended),
    async begin() {
      // Under a name of its own: clients look for who signed a certificate by that, and take the first of two that are called the same.
      const since = new Date().toISOString().slice(0, 19).replace("T", " ");
      const made = makeAuthority(`Olympus authority of ${team.name} since ${since}`);
      for (const half of halves) secrets.set(`${next}.${half}`, made[half]);
      await secrets.save();
    },
    async deliver(show) {
      trustTeamAuthority(secrets);
      if (has(next)) {
        await giveTrust();
        signal.throwIfAborted();
        move(current, old);
        move(next, current);
        await secrets.save();
      }
      show(`${current}: certificates by the new one`);
      // Whoever shows one by another authority makes a new one.
      for (const [role, of] of Map.groupBy(showers, (one) => one.role)) {
        await apply(
          role,
          of.flatMap(({ hosts }) => hosts),
        );
      }
    },
    async verify() {
      for (const shower of showers) await seeCertificate(shower, context);
    },
    async finish() {
      if (has(old)) {
        move(old, ended);
        await secrets.save();
      }
      await giveTrust();
      await Promise.all(machines.map(seeTrust));
      for (const half of halves) secrets.delete(`${ended}.${half}`);
      await secrets.save();
    },
    left: () =>
      `Browsers: people import the new authority, and take the old one away: npx olympus secrets get ${current}.certificate`,
  };

  /** Brings whom they trust, as the secrets say it now, to all that keep it themselves. */
  async function giveTrust(): Promise<void> {
    if (machines.length === 0) return;
    await apply("base", machines);
    await applyToAgents(Object.keys(team.team.agents), context);
  }

  /** A machine takes certificates by the new authority, and none by the old one. */
  async function seeTrust(machine: string): Promise<void> {
    for (const [path, word, alone] of [
      [current, "accepted", "-no-CApath -no-CAstore"],
      [ended, "refused", ""],
    ] as const) {
      const { certificate } = makeServerCertificate(authority(path), [], ["tried.invalid"]);
      const { printed } = await onHost(context, machine, accepts(alone), certificate);
      const lines = printed.split("\n");
      if (lines.every((line) => line.startsWith(`${word} `))) continue;
      const which = path === current ? "new" : "old";
      throw rotationError(`a certificate by the ${which} authority was to be ${word}: ${lines.join(", ")}`, machine);
    }
  }
}

/**
 * Whether the certificate on stdin is accepted by what programs of the machine trust, and what its agent does beside that. `alone`: by that
 * file, as programs do that read no folder; otherwise by the system's folder, too.
 */
const accepts = (alone: string): string => `leaf=$(cat)
try() {
  if said=$(printf '%s\\n' "$leaf" | openssl verify "$@" 2>&1); then echo "accepted by $2"
  elif [ "\${said#*error 20 at 0 depth}" != "$said" ]; then echo "refused by $2"
  else echo "not tried by $2: $said"; fi
}
try -CAfile /etc/ssl/certs/ca-certificates.crt ${alone}
if [ -f /etc/olympus/authority.crt ]; then try -CAfile /etc/olympus/authority.crt -no-CApath -no-CAstore; fi`;
