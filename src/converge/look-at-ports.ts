import { Readable } from "node:stream";
import type { SshConnection } from "../ssh/connection.ts";
import type { ListeningPort } from "../team/edges.ts";
import { quote } from "./quote.ts";
import type { RootShell } from "./root-shell.ts";

/** What programs listen at on a host for others than itself, but for what a role's own rule lets everybody reach there. */
export async function listeningAt(ssh: SshConnection, signal: AbortSignal): Promise<ListeningPort[]> {
  const { stdout } = await ssh.exec("ss -Hlntu; cat /etc/olympus/firewall.d/*.nft 2>/dev/null", { signal });
  return portsIn(stdout);
}

/** The same, out of what `ss -Hlntu` and the rules say. */
export function portsIn(text: string): ListeningPort[] {
  const lines = text.split("\n");
  const rules = lines.flatMap(rulesIn);
  return lines.flatMap((line): ListeningPort[] => {
    const [, transport, address, port] = /^(tcp|udp) +\S+ +\d+ +\d+ +(\S+):(\d+) /.exec(line) ?? [];
    const within = address === undefined || /^127\.|^\[(::1|fe80:.*)\]|%lo$/.test(address);
    if (within) return [];
    const here = rules.filter(
      (rule) => rule.ports.includes(Number(port)) && (rule.transport ?? transport) === transport,
    );
    if (here.some(({ peers, except }) => peers === undefined && except === undefined)) return [];
    const letIn = here.map(({ peers, except }) => ({ peers, except }));
    const at = { transport: transport as ListeningPort["transport"], port: Number(port) };
    return [letIn.length === 0 ? at : { ...at, letIn }];
  });
}

/** What a line of rules lets in at ports, as `ruleText` writes it. One without a transport is for both. */
function rulesIn(line: string) {
  if (!line.startsWith("add rule inet olympus in ")) return [];
  const list = (pattern: RegExp): string[] | undefined => pattern.exec(line)?.[1]?.split(", ");
  const ports = list(/ ct original proto-dst \{ ([\d, ]+) \}/)?.map(Number);
  if (ports === undefined) return [];
  const [, transport] = / meta l4proto (\w+)/.exec(line) ?? [];
  return [{ ports, transport, peers: list(/ ip saddr \{ ([^}]+) \}/), except: list(/ ip saddr != \{ ([^}]+) \}/) }];
}

/** A look at what arrives at a host, until `seen` is asked for. */
export interface Watch {
  /** The marks that arrived. Asked once; throws when the look was cut off. */
  seen(): Promise<Set<number>>;
}

/**
 * Counts the datagrams that begin with these marks behind all firewalls of a host, in a table of its own that decides about
 * nothing and goes with the connection, or after so many seconds. `root` has run something before. Throws what nft says where it cannot.
 */
export async function watchArrivals(
  root: RootShell,
  marks: readonly number[],
  { signal, seconds }: { readonly signal: AbortSignal; readonly seconds: number },
): Promise<Watch> {
  const rules = marks.map((mark) => `meta l4proto udp @th,64,32 ${mark} counter comment "${mark}"`).join("\n");
  const chain = (hook: string): string =>
    `chain ${hook} {\ntype filter hook ${hook} priority 300; policy accept;\n${rules}\n}`;
  // What is for a container's published port is passed on to it.
  const script = `t="inet olympus_try_$$"
trap 'exit 1' HUP INT TERM PIPE
trap 'nft delete table $t 2>/dev/null' EXIT
nft -f - <<E || exit 1
table $t {
${chain("input")}
${chain("forward")}
}
E
echo watching
cat >/dev/null
nft list table $t`;
  const hold = new Readable({ read: () => undefined });
  const begun = Promise.withResolvers<void>();
  const ended = root.run(`-c ${quote(script)}`, {
    signal,
    seconds,
    stdin: hold,
    onStdout: (chunk) => {
      if (chunk.toString().includes("watching")) begun.resolve();
    },
  });
  ended.then(({ stderr }) => begun.reject(new Error(stderr.trim())), begun.reject);
  await begun.promise;
  return {
    async seen() {
      hold.push(null);
      const { code, stdout, stderr } = await ended;
      if (code !== 0) throw new Error(stderr.trim() || `the look ended with exit code ${code}`);
      const counted = stdout.matchAll(/counter packets [1-9]\d* bytes \d+ comment "(\d+)"/g);
      return new Set([...counted].map(([, mark]) => Number(mark)));
    },
  };
}
