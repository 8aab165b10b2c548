import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { initSecrets, type SecretStore } from "../../secrets/store.ts";
import { cacheDir, projectRoot } from "../base/paths.ts";
import { aptCache } from "../lab/apt-cache.ts";
import { type LabMachine, openThrowaway, type Throwaway } from "../lab/index.ts";
import { guestSources } from "../lab/root.ts";
import { run } from "../lab/sh.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";

/** Lab machines that every tool is measured on, and a team file that names them. */
export interface RolesLab {
  /** For files of the tools; goes with the lab. */
  readonly folder: string;
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly lab: Throwaway;
  /** Private half of the key that logs in as `agent`, mode 0600. */
  readonly keyFile: string;
  /** Variables for the command line. */
  readonly env: Readonly<Record<string, string>>;
  /** Words that start the command line as `node`, without a shell script in between. */
  readonly command: readonly string[];
  /**
   * Machines that were made so, `host-1` and on; those that are missing are started. The first is set up by `setUp`, the others begin
   * with a copy of its disk: eight installations side by side would take minutes.
   */
  converged(count: number, setUp: (first: LabMachine) => Promise<unknown>): Promise<readonly LabMachine[]>;
  /** Gives hosts `host-9` and on, up to so many, to the eight machines, as further addresses: a computer cannot start any number of systemds. */
  aliases(count: number): Promise<readonly string[]>;
  /** Host `fresh`, as new: one that was there goes. */
  fresh(): Promise<LabMachine>;
  close(): Promise<void>;
}

/** The lab with no machine yet. The team has `hosts` hosts, `host-1` and so on, each with the role `bench`. */
export async function openRolesLab(hosts: number, signal: AbortSignal): Promise<RolesLab> {
  const folder = await mkdtemp(join(tmpdir(), "olympus-bench-"));
  const key = generateSshKeyPair("bench");
  const lab = await openThrowaway({ authorizedKeys: [key.public], user: "agent", memory: 1024, signal });
  const mirror = await startMirror(lab);
  try {
    process.env.SOPS_AGE_KEY_FILE = join(folder, "age.txt");
    const keyFile = join(folder, "id");
    await writeFile(keyFile, key.private, { mode: 0o600 });
    await mkdir(join(folder, "roles/bench"), { recursive: true });
    const operations = join(projectRoot, "src/bench/roles-operations.ts");
    await writeFile(join(folder, "roles/bench/role.ts"), `export { role } from ${JSON.stringify(operations)};\n`);
    const team = await writeTeam(join(folder, "team.yaml"), lab, hosts);
    const { store } = await initSecrets(team);
    store.set("ssh.deploy.private", key.private);
    store.set("ssh.deploy.public", key.public);
    const machines = new Map<string, LabMachine>();
    const address = (name: string): string => team.machines.find((one) => one.name === name)!.address;
    const start = async (name: string): Promise<LabMachine> => {
      const machine = await lab.start(name, address(name));
      store.set(`hosts.${name}.public`, machine.hostKey);
      if (name === "host-1") store.set("hosts.far.public", machine.hostKey);
      machines.set(name, machine);
      await store.save();
      return machine;
    };
    return {
      folder,
      team,
      secrets: store,
      lab,
      keyFile,
      env: {
        OLYMPUS_STATE: join(folder, "state"),
        SOPS_AGE_KEY_FILE: join(folder, "age.txt"),
        NODE_COMPILE_CACHE: cacheDir("compile"),
      },
      command: [
        process.execPath,
        // As scripts/olympus has it.
        "--disable-warning=ExperimentalWarning",
        "--min-semi-space-size=16",
        join(projectRoot, "src/cli/main.ts"),
        "--team",
        team.file,
        "role",
      ],
      async converged(count, setUp) {
        const first = machines.get("host-1") ?? (await start("host-1"));
        const disk = join(folder, "disk");
        if (!existsSync(disk)) {
          await prepare(first, mirror.proxy);
          await setUp(first);
          await lab.stop("host-1", 20_000);
          await run("cp", ["-a", join(first.dir, "upper"), disk]);
          await start("host-1");
        }
        for (let at = 2; at <= count; at += 1) {
          const name = `host-${at}`;
          if (machines.has(name)) continue;
          const dir = join(dirname(first.dir), name);
          await mkdir(dir);
          await run("cp", ["-a", disk, join(dir, "upper")]);
          await start(name);
        }
        return Array.from({ length: count }, (_, at) => machines.get(`host-${at + 1}`)!);
      },
      async aliases(count) {
        const carriers = [...machines.values()].filter(({ name }) => name.startsWith("host-"));
        for (let at = carriers.length + 1; at <= count; at += 1) {
          const carrier = carriers[at % carriers.length]!;
          await inside(carrier, `ip address replace ${address(`host-${at}`)}/24 dev eth0`);
          store.set(`hosts.host-${at}.public`, carrier.hostKey);
        }
        await store.save();
        return Array.from({ length: count }, (_, at) => `host-${at + 1}`);
      },
      async fresh() {
        await lab.stop("fresh");
        if (machines.has("fresh")) await rm(machines.get("fresh")!.dir, { recursive: true, force: true });
        const machine = await start("fresh");
        await prepare(machine, mirror.proxy);
        return machine;
      },
      async close() {
        mirror.close();
        await lab.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    mirror.close();
    await lab.close();
    throw error;
  }
}

/** Host 1 once more, over a link with a long way: its own end of that link, and this computer's. */
export const farEnds = (lab: Throwaway): { readonly there: string; readonly here: string } => ({
  there: lab.gateway.replace(/\d+$/, "241"),
  here: lab.gateway.replace(/\d+$/, "242"),
});

/** Packages from the cache on this computer, with lists of today, and what Ansible's apt module would install by itself. */
async function prepare(machine: LabMachine, proxy: string): Promise<void> {
  await inside(
    machine,
    `echo 'Acquire::http::Proxy "${proxy}";' >/etc/apt/apt.conf.d/90proxy
apt-get -q update
apt-get -q -y --no-install-recommends install python3-apt`,
  );
}

/** Runs a script on a machine as root, past SSH; the first failure ends it. Gives its stdout. */
export function inside(machine: LabMachine, script: string): Promise<string> {
  const words = `export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin\n${script}`;
  return run("nsenter", ["-t", String(machine.init.pid), "-a", "/bin/sh", "-ec", words]);
}

/** The lab's package cache, on this computer's leg of the network. */
async function startMirror(lab: Throwaway): Promise<{ readonly proxy: string; close(): void }> {
  const { hosts } = await guestSources([], lab.gateway);
  const server = createServer(aptCache({ dir: cacheDir("apt"), hosts }));
  await new Promise<void>((listening, fail) => {
    server.once("error", fail).listen(0, lab.hostAddress, listening);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    proxy: `http://${address}:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const addressOf = (lab: Throwaway, number: number): string => lab.gateway.replace(/\d+$/, String(9 + number));

async function writeTeam(file: string, lab: Throwaway, hosts: number): Promise<LoadedTeam> {
  const agent = (name: string, address: string): Record<string, unknown> => ({
    on: "carrier",
    address,
    template: "light",
    duties: ["review"],
    persona: "A machine to be measured on.",
    email: `${name}@bench.example`,
    roles: { bench: {} },
  });
  const text = stringify({
    name: "bench",
    secrets: "secrets.enc.yaml",
    network: { cidr: lab.cidr, gateway: lab.gateway, resolvers: [lab.gateway], admin: [lab.cidr] },
    hypervisors: { carrier: { address: lab.gateway.replace(/\d+$/, "5"), memory: "2 TB", disk: "90 TB", cpus: 512 } },
    defaults: {
      models: [{ provider: "anthropic", model: "claude-sonnet-4-5", price: { input: 3, output: 15 } }],
      budget: { run: 1, day: 1 },
    },
    agents: {
      ...Object.fromEntries(
        Array.from({ length: hosts }, (_, at) => {
          const name = `host-${at + 1}`;
          return [name, agent(name, addressOf(lab, at + 1))];
        }),
      ),
      far: agent("far", farEnds(lab).there),
      fresh: agent("fresh", addressOf(lab, hosts + 1)),
    },
    teams: { bench: { display: "Bench", channels: ["bench"] } },
    people: { kim: { email: "kim@bench.example" } },
    policy: { budget: { day: hosts + 2 } },
  });
  await writeFile(file, text);
  return loadTeam(file);
}
