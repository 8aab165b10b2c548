import { connect } from "node:net";
import type { SshConnection } from "../ssh/connection.ts";
import type { Edge } from "../team/edges.ts";
import { quote, quoteAll } from "./quote.ts";

/**
 * What became of a try. `through`: somebody answered, if only that nothing listens there. `held`: no answer, or a refusal by a
 * firewall. `unknown`: the address is not known there.
 */
export type Outcome = "through" | "held" | "unknown";

/** An edge as it is. */
export interface TriedEdge extends Edge {
  readonly outcome: Outcome;
}

const seconds = 4;

const one = `said=$(timeout ${seconds} bash -c "exec 3<>/dev/tcp/$1/$2" 2>&1) && said=open
case "$said" in open|*refused*) o=through;; *"not known"*|*"resolution"*) o=unknown;; *) o=held;; esac
echo "$1 $2 $o"`;

/** Tries edges from a host, all with one command there, 32 at a time. */
export async function tryFrom(ssh: SshConnection, edges: readonly Edge[], signal: AbortSignal): Promise<TriedEdge[]> {
  if (edges.length === 0) return [];
  const targets = edges.map(({ address, port }) => `${address} ${port}`);
  const command = `printf '%s\\n' ${quoteAll(targets)} | LC_ALL=C xargs -P 32 -L 1 bash -c ${quote(one)} try`;
  const { stdout } = await ssh.exec(command, { signal, timeoutMs: (edges.length / 32 + 10) * seconds * 1000 });
  const outcomes = new Map(
    stdout.split("\n").map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]),
  );
  return edges.map((edge, at) => ({ ...edge, outcome: (outcomes.get(targets[at]!) ?? "unknown") as Outcome }));
}

/** Tries edges from this computer. */
export async function tryHere(edges: readonly Edge[]): Promise<TriedEdge[]> {
  return Promise.all(
    edges.map(
      (edge) =>
        new Promise<TriedEdge>((resolve) => {
          const socket = connect({ host: edge.address, port: edge.port, timeout: seconds * 1000 });
          const end = (outcome: Outcome): void => {
            socket.destroy();
            resolve({ ...edge, outcome });
          };
          socket.once("connect", () => end("through"));
          socket.once("timeout", () => end("held"));
          socket.once("error", ({ code }: NodeJS.ErrnoException) =>
            end(code === "ECONNREFUSED" ? "through" : code === "ENOTFOUND" ? "unknown" : "held"),
          );
        }),
    ),
  );
}

/** Edges that are not as the matrix says. */
export function wrongEdges(edges: readonly TriedEdge[]): TriedEdge[] {
  return edges.filter(({ open, outcome }) => outcome === (open ? "held" : "through"));
}
