import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../base/paths.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { AptCacheOptions } from "./apt-cache.ts";
import { type Hierarchies, makeGroups } from "./cgroups.ts";
import type { Network } from "./network.ts";
import type { ProcessId } from "./processes.ts";
import { spawnDetached } from "./spawn.ts";

/** What the lab's own server process does. */
export interface ServicesSettings {
  /** Ports on 127.0.0.1 -> `address:port` in the lab. */
  readonly publish: Readonly<Record<string, string>>;
  /** Package cache on an address of the gateway, whose namespace `pid` holds. */
  readonly proxy?: AptCacheOptions & { readonly pid: number; readonly host: string; readonly port: number };
}

/** Where guests find the package cache, on the gateway. */
export const proxyPort = 3142;

const program = join(dirname(fileURLToPath(import.meta.url)), "services-main.ts");

/** Settings as text, to be compared with those of a process that runs. `hosts` may be asked for packages. */
export function servicesSettings(team: LoadedTeam, network: Network, hosts: readonly string[]): string {
  const settings: ServicesSettings = {
    publish: team.team.lab?.publish ?? {},
    ...(hosts.length > 0 && {
      proxy: { dir: cacheDir("apt"), hosts, pid: network.holder.pid, host: network.gateway, port: proxyPort },
    }),
  };
  return JSON.stringify(settings);
}

/** Starts the process; it listens when this resolves. */
export async function startServices(settings: string, network: Network, hierarchies: Hierarchies): Promise<ProcessId> {
  const groups = await makeGroups(hierarchies, network.lab, "services", { memory: 512, pids: 100 });
  const started = await spawnDetached([process.execPath, "--use-system-ca", program, settings], {
    groups,
    log: join(network.dir, "log", "services.log"),
    ...(network.endsWithUs && { endsWithUs: true }),
  });
  return started.process;
}
