import { networkInterfaces } from "node:os";
import { exitCodes } from "../base/errors.ts";
import { targetOf } from "../converge/target.ts";
import { type TriedEdge, tryFrom, tryHere, wrongEdges } from "../converge/try-edges.ts";
import { connectSsh } from "../ssh/connect.ts";
import { type Edge, edgesOf } from "../team/edges.ts";
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
  const from = chooseHosts(hosts, options);
  const { openSecrets } = await import("../../secrets/store.ts");
  const secrets = await openSecrets(team);
  const here = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  const edges = edgesOf(team, hosts, { from, here, outside: options.outside });
  const step = reporter.step(`trying ${edges.length} ways`);
  const tried = await Promise.all([
    tryHere(of(edges, "admin")),
    ...from.map(async (host) => {
      const ssh = await connectSsh(targetOf(host, team, secrets), signal);
      try {
        return await tryFrom(ssh, of(edges, host.name), signal);
      } finally {
        ssh.close();
      }
    }),
  ]).catch((error: unknown) => {
    step.fail("stopped");
    throw error;
  });
  const all = tried.flat();
  const wrong = wrongEdges(all);
  if (wrong.length > 0) step.fail(`${wrong.length} of ${all.length} are not as the matrix says`);
  else step.done(`${all.length} ways are as the matrix says`);
  reporter.result(textOf(all, wrong), { type: "role-verify", role, tried: all.length, wrong, edges: all });
  return wrong.length === 0 ? exitCodes.done : exitCodes.pending;
}

const of = (edges: readonly Edge[], name: string): Edge[] => edges.filter(({ from }) => from === name);

function textOf(all: readonly TriedEdge[], wrong: readonly TriedEdge[]): string {
  const count = (test: (edge: TriedEdge) => boolean): number => all.filter(test).length;
  const known = all.filter(({ outcome }) => outcome !== "unknown");
  const open = known.filter((edge) => edge.open).length;
  const untried = count(({ outcome }) => outcome === "unknown");
  const closing = [
    `${known.length} ways: ${open} open, ${known.length - open} closed; ${wrong.length} not as the matrix says`,
    ...(untried === 0
      ? []
      : [`${untried} not tried: no address is known for ${all.find(({ outcome }) => outcome === "unknown")!.to}`]),
  ];
  const rows = wrong.map(({ from, to, port, open: wished }) => [
    from,
    `${to}:${port}`,
    wished ? "does not get through, though a row opens it" : "gets through, though no row opens it",
  ]);
  return [...(rows.length === 0 ? [] : [table(["FROM", "TO", ""], rows), ""]), ...closing].join("\n");
}
