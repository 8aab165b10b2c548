import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { SshConnection } from "../ssh/connection.ts";
import type { Edge } from "../team/edges.ts";
import { quote } from "./quote.ts";

/**
 * What became of a try. `through`: somebody answered, if only that nothing listens there, or the datagram was seen to arrive.
 * `held`: no answer, or a refusal by a firewall. `unknown`: the address is not known there. `silent`: nobody answered a datagram,
 * which a quiet program does as well as a firewall.
 */
export type Outcome = "through" | "held" | "unknown" | "silent";

/** An edge as it is. */
export interface TriedEdge extends Edge {
  readonly outcome: Outcome;
}

const seconds = 4;
const atOnce = 64;

/** Questions that a server answers; what listens elsewhere is sent an empty line. */
const questions: Readonly<Record<number, Buffer>> = {
  // The address of "localhost", which a name server knows by itself.
  53: Buffer.from("4f4c01000001000000000000096c6f63616c686f73740000010001", "hex"),
  123: Buffer.concat([Buffer.from([0x23]), Buffer.alloc(47)]),
};

/** What is sent over UDP: the question of the port, or a mark. */
const saidTo = ({ port }: Edge, mark: number | undefined): Buffer => {
  if (mark === undefined) return questions[port] ?? Buffer.from("\n");
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(mark);
  return bytes;
};

/** Datagrams may be lost, and machines answer only so many refusals a second: so each is sent three times. */
const one = `set -f; set -- $1
if [ "$3" = tcp ]; then said=$(timeout ${seconds} bash -c "exec 3<>/dev/tcp/$1/$2" 2>&1) && said=open; silence=held
else said=$(timeout ${seconds} bash -c 'exec 3<>"/dev/udp/$1/$2" || exit 1
for n in 1 2 3; do printf "$3" >&3 && IFS= read -r -d "" -n 1 -t 1 <&3 && exit; done; exit 1' ask "$1" "$2" "$4" 2>&1) && said=open; silence=silent; fi
case "$said" in open|*refused*) o=through;; *"not known"*|*"resolution"*) o=unknown;; "") o=$silence;; *) o=held;; esac
echo "$1 $2 $3 $o"`;

/** Tries edges from a host, all with one command there, many at a time. With marks, datagrams carry these. */
export async function tryFrom(
  ssh: SshConnection,
  edges: readonly Edge[],
  signal: AbortSignal,
  marks?: ReadonlyMap<Edge, number>,
): Promise<TriedEdge[]> {
  if (edges.length === 0) return [];
  const target = ({ address, port, transport }: Edge): string => `${address} ${port} ${transport}`;
  const escaped = (bytes: Buffer): string => bytes.toString("hex").replaceAll(/../g, "\\x$&");
  const lines = edges.map((edge) => `${target(edge)} ${escaped(saidTo(edge, marks?.get(edge)))}\n`);
  const { stdout } = await ssh.exec(`LC_ALL=C xargs -d '\\n' -P ${atOnce} -n 1 bash -c ${quote(one)} try`, {
    signal,
    stdin: lines.join(""),
    timeoutMs: (edges.length / atOnce + 10) * seconds * 1000,
  });
  const outcomes = new Map(
    stdout.split("\n").map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]),
  );
  return edges.map((edge) => ({ ...edge, outcome: (outcomes.get(target(edge)) ?? "unknown") as Outcome }));
}

/** Tries edges from this computer. */
export async function tryHere(edges: readonly Edge[], marks?: ReadonlyMap<Edge, number>): Promise<TriedEdge[]> {
  const outcomeOf = (edge: Edge): Promise<Outcome> =>
    edge.transport === "tcp" ? connectHere(edge) : askHere(edge, saidTo(edge, marks?.get(edge)));
  return Promise.all(edges.map(async (edge) => ({ ...edge, outcome: await outcomeOf(edge) })));
}

function connectHere({ address, port }: Edge): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: seconds * 1000 });
    const end = (outcome: Outcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once("connect", () => end("through"));
    socket.once("timeout", () => end("held"));
    socket.once("error", (error) => end(refusal(error)));
  });
}

function askHere({ address, port }: Edge, said: Buffer): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    let left = 3;
    let over = false;
    let again: NodeJS.Timeout | undefined;
    const end = (outcome: Outcome): void => {
      clearInterval(again);
      if (!over) socket.close();
      over = true;
      resolve(outcome);
    };
    const send = (): void => {
      if (left > 0) socket.send(said);
      else end("silent");
      left -= 1;
    };
    // More than one may come: of what was sent, and of what comes back.
    socket.on("error", (error) => end(refusal(error)));
    socket.once("message", () => end("through"));
    socket.connect(port, address, (error?: Error) => {
      if (error !== undefined) {
        end(refusal(error));
        return;
      }
      send();
      again = setInterval(send, 1000);
    });
  });
}

const refusal = ({ code }: NodeJS.ErrnoException): Outcome =>
  code === "ECONNREFUSED" ? "through" : code === "ENOTFOUND" ? "unknown" : "held";

/** Edges that are not as the matrix says. */
export function wrongEdges(edges: readonly TriedEdge[]): TriedEdge[] {
  return edges.filter(({ open, outcome }) => outcome === (open ? "held" : "through"));
}
