import { exitCodes, OlympusError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { SshConnection } from "../ssh/connection.ts";

/** A domain whose name begins as the team's do. */
export interface FoundDomain {
  readonly name: string;
  readonly uuid: string;
  /** As virsh says it: `running`, `shut off`, `paused`, `crashed`, … */
  readonly state: string;
  /** Free text of the domain; ours says whose it is. Empty when it has none. */
  readonly description: string;
}

/** What a hypervisor has, as far as a team is concerned. */
export interface Inventory {
  /** `undefined` when there is no such pool; otherwise whether it is active. */
  readonly pool: boolean | undefined;
  readonly bridge: boolean;
  readonly domains: readonly FoundDomain[];
  /** Names of the volumes in the pool that begin as the team's do. */
  readonly volumes: readonly string[];
}

export interface InventoryOptions {
  readonly pool: string;
  readonly bridge: string;
  /** Domains and volumes are looked for that begin with this: `lab-`. */
  readonly prefix: string;
}

/** Asks for everything in one round trip. Throws E-LIBVIRT when libvirt does not answer its user there (exit 4). */
export async function readInventory(connection: SshConnection, options: InventoryOptions): Promise<Inventory> {
  const { code, stdout, stderr } = await connection.exec(inventoryScript(options), { timeoutMs: 30_000 });
  if (code !== 0) throw notAnswering(connection, stderr);
  return parseInventory(stdout);
}

/** Pure. Each line of the answer says what it is by its first word. */
export function inventoryScript({ pool, bridge, prefix }: InventoryOptions): string {
  return [
    "set -eu; export LC_ALL=C",
    `v() { virsh -q -c qemu:///system "$@"; }`,
    "names=$(v list --all --name)",
    `[ -e /sys/class/net/${quote(bridge)}/bridge ] && echo bridge yes || echo bridge no`,
    `if info=$(v pool-info ${quote(pool)} 2>/dev/null); then`,
    `  case $info in *running*) echo pool active; v vol-list ${quote(pool)} | awk -v p=${quote(prefix)} 'index($1, p) == 1 { print "volume " $1 }' ;; *) echo pool inactive ;; esac`,
    "else echo pool missing; fi",
    "for name in $names; do",
    `  case $name in ${quote(prefix)}*) printf 'domain %s\t' "$name"; v "domuuid $name; domstate $name; desc $name" | tr '\n' '\t'; echo ;; esac`,
    "done",
  ].join("\n");
}

/** Pure: the answer of `inventoryScript`. */
export function parseInventory(text: string): Inventory {
  let pool: boolean | undefined;
  let bridge = false;
  const domains: FoundDomain[] = [];
  const volumes: string[] = [];
  for (const line of text.split("\n")) {
    const [first = "", ...rest] = line.split("\t");
    const [word, value = ""] = first.split(" ");
    if (word === "pool") pool = value === "missing" ? undefined : value === "active";
    else if (word === "bridge") bridge = value === "yes";
    else if (word === "volume") volumes.push(value);
    else if (word === "domain") {
      const [uuid = "", state = "", ...description] = rest.map((part) => part.trim()).filter((part) => part !== "");
      const said = description.join(" ");
      domains.push({ name: value, uuid, state, description: said.startsWith("No description for domain") ? "" : said });
    }
  }
  return { pool, bridge, domains, volumes };
}

function notAnswering(connection: SshConnection, stderr: string): OlympusError {
  const { name, user } = connection.target;
  const denied = /authentication unavailable|Permission denied|access denied/i.test(stderr);
  return new OlympusError(
    `libvirt on ${name} does not answer ${user}: ${stderr.trim().split("\n").at(-1) ?? "no reason given"}`,
    {
      code: "E-LIBVIRT",
      exit: exitCodes.unreachable,
      where: name,
      hint: denied
        ? `On ${name}: sudo usermod -aG libvirt ${user}   (then a new login)`
        : `On ${name}: systemctl status libvirtd; is virsh installed (libvirt-clients)?`,
    },
  );
}
