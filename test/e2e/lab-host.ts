import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { execa } from "execa";

/** What a lab may not change on this computer: its firewall, its sysctls (but counters), its routes. */
export async function hostSettings(): Promise<Record<string, string>> {
  const out = async (program: string, ...args: string[]): Promise<string> =>
    (await execa(program, args, { reject: false })).stdout;
  // Counters, what the kernel adjusts by itself, and what comes with a module that anybody may need first.
  const moving =
    /^(fs\.(dentry-state|inode-|file-nr|aio-nr|quota)|kernel\.(random\.|ns_last_pid|pty\.nr)|kernel\.perf_|net\.netfilter\.|net\.bridge\.|dev\.)/;
  // Interfaces of other labs and tests come and go.
  const interfaces = /^net\.(ipv4|ipv6|mpls)\.(conf|neigh)\.(?!all|default|lo|eth)/;
  const sysctls = (await out("sysctl", "--all", "--ignore")).split("\n");
  return {
    firewall: await out("nft", "--stateless", "list", "ruleset"),
    sysctls: sysctls.filter((line) => !moving.test(line) && !interfaces.test(line)).join("\n"),
    routes: (await out("ip", "route"))
      .split("\n")
      .filter((line) => !/dev oly/.test(line))
      .join("\n"),
    domain: await out("hostname"),
  };
}

/** Milliseconds between the wall clock and a clock that nobody can set. */
export function clockOffset(): number {
  return Date.now() - Number(process.hrtime.bigint() / 1_000_000n);
}

/** Everything on this computer that bears a mark of the lab: processes, namespaces, mounts, interfaces, control groups. Empty after `down`. */
export async function traces(marks: readonly string[]): Promise<string[]> {
  const bears = (text: string): boolean => marks.some((mark) => text.includes(mark));
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const read = (name: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, "utf8");
      } catch {
        return ""; // Ended meanwhile, or the kernel's own.
      }
    };
    if (Number(pid) === process.pid) continue;
    const text = `${read("cgroup")} ${read("cmdline")}`;
    if (bears(text)) found.push(`process ${pid}: ${read("comm").trim()}, namespace ${linkOf(pid)}`);
    if (bears(read("mountinfo"))) found.push(`mount of process ${pid}`);
  }
  const links = (await execa("ip", ["-details", "link", "show"])).stdout;
  if (bears(links)) found.push("interface");
  const groups = await execa("find", ["/sys/fs/cgroup", "-type", "d", "-path", "*olympus-lab/*"], { reject: false });
  found.push(...groups.stdout.split("\n").filter((line) => line !== "" && bears(line)));
  return found;
}

function linkOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return "gone";
  }
}
