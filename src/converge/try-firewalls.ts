import { messageOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { type Edge, type EdgeOptions, edgesOf, type ListeningPort } from "../team/edges.ts";
import type { Host } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { listeningAt, type Watch, watchArrivals } from "./look-at-ports.ts";
import { createRootShell } from "./root-shell.ts";
import { type TriedEdge, tryFrom, tryHere } from "./try-edges.ts";

export interface TryOptions extends Omit<EdgeOptions, "listening"> {
  readonly connect: (host: Host) => Promise<SshConnection>;
  /** For sudo, where it wants one. */
  readonly password: (host: Host) => Secret | undefined;
  readonly signal: AbortSignal;
  readonly onEdges?: (count: number) => void;
}

export interface Tried {
  readonly edges: readonly TriedEdge[];
  /** Hosts where nobody could look whether datagrams arrive, and why. */
  readonly unseen: ReadonlyMap<string, string>;
}

/** So many marks: two letters of our own and a number. No byte of them ends a line, since bash sends what it prints line by line. */
export function marksFor(count: number): number[] {
  const marks: number[] = [];
  for (let mark = 0x4f4c0000; marks.length < count; mark += 1) {
    if ((mark & 0xff) !== 0x0a && ((mark >> 8) & 0xff) !== 0x0a) marks.push(mark);
  }
  return marks;
}

/** Tries every way that the team's firewalls decide about. Datagrams that nobody answers are sent again while their host counts them. */
export async function tryFirewalls(team: LoadedTeam, hosts: readonly Host[], options: TryOptions): Promise<Tried> {
  const { from, signal, onEdges } = options;
  const connections = new Map<string, Promise<SshConnection>>();
  const connected = (host: Host): Promise<SshConnection> => {
    const known = connections.get(host.name) ?? options.connect(host);
    connections.set(host.name, known);
    return known;
  };
  const send = async (edges: readonly Edge[], marks?: ReadonlyMap<Edge, number>): Promise<TriedEdge[]> => {
    const of = (name: string): Edge[] => edges.filter((edge) => edge.from === name);
    const tried = await Promise.all([
      tryHere(of("admin"), marks),
      ...from.map(async (host) => tryFrom(await connected(host), of(host.name), signal, marks)),
    ]);
    return tried.flat();
  };
  try {
    const listening = new Map<string, readonly ListeningPort[]>(
      await Promise.all(
        from.map(async (host) => [host.name, await listeningAt(await connected(host), signal)] as const),
      ),
    );
    const edges = edgesOf(team, hosts, { ...options, listening });
    onEdges?.(edges.length);
    const first = (await send(edges)).map(
      (edge): TriedEdge =>
        edge.outcome !== "silent" || edge.silence === "unsure"
          ? edge
          : { ...edge, outcome: edge.silence === "arrived" ? "through" : "held" },
    );
    const quiet = first.filter(({ outcome }) => outcome === "silent");
    const numbers = marksFor(quiet.length);
    const marks = new Map<Edge, number>(quiet.map((edge, at) => [edge, numbers[at]!]));
    const targets = hosts.filter(({ name }) => quiet.some(({ to }) => to === name));
    const { watches, unseen } = await watchAll(targets, marks, options, connected);
    const seen = new Set<number>();
    try {
      await send(
        [...marks.keys()].filter(({ to }) => !unseen.has(to)),
        marks,
      );
    } finally {
      const looks = [...watches].map(async ([host, watch]) => {
        try {
          for (const mark of await watch.seen()) seen.add(mark);
        } catch (error) {
          unseen.set(host, messageOf(error));
        }
      });
      await Promise.all(looks);
    }
    const outcome = (edge: TriedEdge): TriedEdge["outcome"] =>
      unseen.has(edge.to) ? "unknown" : seen.has(marks.get(edge)!) ? "through" : "held";
    return { edges: first.map((edge) => (marks.has(edge) ? { ...edge, outcome: outcome(edge) } : edge)), unseen };
  } finally {
    for (const one of await Promise.allSettled(connections.values())) if (one.status === "fulfilled") one.value.close();
  }
}

async function watchAll(
  targets: readonly Host[],
  marks: ReadonlyMap<Edge, number>,
  { password, signal }: TryOptions,
  connected: (host: Host) => Promise<SshConnection>,
): Promise<{ readonly watches: ReadonlyMap<string, Watch>; readonly unseen: Map<string, string> }> {
  const watches = new Map<string, Watch>();
  const unseen = new Map<string, string>();
  await Promise.all(
    targets.map(async (host) => {
      try {
        const root = createRootShell(await connected(host), password(host));
        await root.run("-c true", { signal });
        const here = [...marks].filter(([{ to }]) => to === host.name).map(([, mark]) => mark);
        watches.set(host.name, await watchArrivals(root, here, { signal, seconds: 60 + marks.size }));
      } catch (error) {
        signal.throwIfAborted();
        unseen.set(host.name, messageOf(error));
      }
    }),
  );
  return { watches, unseen };
}
