import { networkInterfaces } from "node:os";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { targetOf } from "../converge/target.ts";
import { type TriedEdge, wrongEdges } from "../converge/try-edges.ts";
import { tryFirewalls } from "../converge/try-firewalls.ts";
import { connectSsh } from "../ssh/connect.ts";
import { listHosts } from "../team/hosts.ts";
import type { CommandContext } from "./context.ts";
import { chooseHosts, type HostChoice } from "./role-hosts.ts";
import { table } from "./table.ts";
import { mustKnow } from "./usage.ts";

export interface VerifyOptions extends HostChoice {
  readonly outside: string;
}

/** `role verify firewall`: tries every way that the matrix opens or closes. Exit 3 when one is not as it says. */
export async function verify(context: CommandContext, role: string, options: VerifyOptions): Promise<number> {
  mustKnow("role to verify", role, ["firewall"]);
  const { reporter, signal } = context;
  const team = await context.loadTeam();
  const hosts = listHosts(team);
  const from = chooseHosts(hosts, options, `verify ${role}`);
  // Nothing would be tried, and all of nothing is as it should be.
  if (!hosts.some(({ roles }) => role in roles)) throw nowhere(role);
  const { openSecrets } = await import("../../secrets/store.ts");
  const secrets = await openSecrets(team);
  const here = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  const step = reporter.step("trying what the matrix opens and closes");
  const { edges: all, unseen } = await tryFirewalls(team, hosts, {
    from,
    here,
    outside: options.outside,
    connect: (host) => connectSsh(targetOf(host, team, secrets), signal),
    password: ({ name }) => secrets.get(`sudo.${name}`),
    signal,
    onEdges: (count) => step.update(`${count} ways`),
  }).catch((error: unknown) => {
    step.fail("stopped");
    throw error;
  });
  const wrong = wrongEdges(all);
  if (wrong.length > 0) step.fail(`${wrong.length} of ${all.length} are not as the matrix says`);
  else step.done(`${all.length} ways are as the matrix says`);
  reporter.result(textOf(all, wrong, unseen), { type: "role-verify", role, tried: all.length, wrong, edges: all });
  return wrong.length === 0 ? exitCodes.done : exitCodes.pending;
}

function nowhere(role: string): OlympusError {
  return new OlympusError(`No host of the team has the role ${role}: there is nothing to verify.`, {
    code: "E-ROLE-HOST",
    exit: exitCodes.usage,
    hint: `Add it in the team file (defaults: { machineRoles: [${role}] } gives it to every machine), then npx olympus role setup ${role} --all`,
  });
}

const wayOf = ({ to, port, transport }: TriedEdge): string => `${to}:${port}${transport === "udp" ? "/udp" : ""}`;

function textOf(all: readonly TriedEdge[], wrong: readonly TriedEdge[], unseen: ReadonlyMap<string, string>): string {
  const known = all.filter(({ outcome }) => outcome !== "unknown");
  const open = known.filter((edge) => edge.open).length;
  const untried = new Map<string, number>();
  for (const { outcome, to } of all) if (outcome === "unknown") untried.set(to, (untried.get(to) ?? 0) + 1);
  const closing = [
    `${known.length} ways: ${open} open, ${known.length - open} closed; ${wrong.length} not as the matrix says`,
    ...[...untried].map(([to, count]) => {
      const why = unseen.get(to);
      return why === undefined
        ? `${count} not tried: no address is known for ${to}`
        : `${count} not tried: cannot see what arrives at ${to}: ${why}`;
    }),
  ];
  const rows = wrong.map((edge) => [
    edge.from,
    wayOf(edge),
    edge.open ? "does not get through, though a row opens it" : "gets through, though no row opens it",
  ]);
  return [...(rows.length === 0 ? [] : [table(["FROM", "TO", ""], rows), ""]), ...closing].join("\n");
}
