/**
 * A team of eight agents and five hypervisors, all on this computer: real dashboards, real sshd, and real virsh: over libvirt's own test
 * driver, which machines change for by a word, or a libvirtd for each with a QEMU for each machine.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SecretStore } from "../../secrets/store.ts";
import { Secret } from "../../src/base/secret.ts";
import { type Dashboard, startDashboard } from "../../src/dashboard/server.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { adminToken, sampleDashboard } from "./dashboard.ts";
import { type Libvirtd, startLibvirtd } from "./libvirtd.ts";
import { makeKey, startSshd } from "./sshd.ts";

export interface StatusTeam {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Turns an agent off. */
  down(agent: string): Promise<void>;
  /** What libvirt says of a machine from now on. */
  power(machine: string, state: Power): void;
  /** Whether libvirt of a hypervisor keeps everybody waiting who asks it. */
  hang(hypervisor: string, on: boolean): void;
  close(): Promise<void>;
}

type Power = "running" | "paused" | "shut off";
const runStates: Readonly<Record<Power, number>> = { running: 1, paused: 3, "shut off": 5 };

/** What libvirt of a hypervisor has: a pool, and machines as if they were the team's. */
function nodeOf(machines: ReadonlyMap<string, Power>): string {
  const domains = [...machines].map(
    ([name, state], index) =>
      `<domain type="test" xmlns:test="http://libvirt.org/schemas/domain/test/1.0"><name>lab.${name}</name>
<uuid>11111111-1111-4111-8111-11111111111${index}</uuid><memory>1024</memory><os><type>hvm</type></os>
<test:runstate>${runStates[state]}</test:runstate></domain>`,
  );
  const pool = '<pool type="dir"><name>default</name><target><path>/var/lib/none</path></target></pool>';
  return `<node>${domains.join("")}${pool}</node>`;
}

/** A libvirtd with a pool, and a machine of 64 MB and nothing to boot for each name, all of them running. */
async function realLibvirt(machines: Iterable<string>): Promise<Libvirtd> {
  const libvirtd = await startLibvirtd({ machines: true });
  const virsh = (...words: string[]) => promisify(execFile)("virsh", ["-q", "-c", libvirtd.uri, ...words]);
  await virsh("pool-create-as", "default", "dir", "--target", libvirtd.pools);
  for (const name of machines) {
    const file = join(libvirtd.pools, `${name}.xml`);
    writeFileSync(
      file,
      `<domain type="qemu"><name>lab.${name}</name><memory unit="MiB">64</memory><os><type arch="x86_64" machine="q35">hvm</type></os></domain>`,
    );
    await virsh("define", file);
    await virsh("start", `lab.${name}`);
  }
  return libvirtd;
}

/** `network`: three numbers of an own network on the loopback interface, `127.78.1`. `words`: what others wrote to the last agent, which then has a past and no shell. `real`: libvirt is, and `power` does nothing. */
export async function statusTeam(network: string, words?: (name: string) => string, real = false): Promise<StatusTeam> {
  const folder = mkdtempSync(join(tmpdir(), "olympus-status-team-"));
  const key = makeKey(folder, "deploy");
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const onHost = (host: number) => numbers(8).filter((n) => ((n - 1) % 5) + 1 === host);
  const machines = new Map(
    numbers(5).map((host) => [`h${host}`, new Map(onHost(host).map((n): [string, Power] => [`a${n}`, "running"]))]),
  );
  const tell = (host: string) => writeFileSync(join(folder, `${host}.xml`), nodeOf(machines.get(host)!));
  const libvirts = new Map(
    await Promise.all(
      real ? [...machines].map(async ([host, has]) => [host, await realLibvirt(has.keys())] as const) : [],
    ),
  );
  for (const host of machines.keys()) {
    tell(host);
    const uri = libvirts.get(host)?.uri ?? `test://${join(folder, host)}.xml`;
    mkdirSync(join(folder, host));
    // Whatever libvirt it asks for, it asks this one.
    const hangs = join(folder, host, "hangs");
    const script = `#!/bin/sh\nwhile [ -e ${hangs} ]; do sleep 0.2; done\nshift 3\nexec /usr/bin/virsh -q -c '${uri}' "$@"\n`;
    writeFileSync(join(folder, host, "virsh"), script, { mode: 0o755 });
  }
  const servers = await Promise.all(
    numbers(5).map((n) =>
      startSshd(folder, `h${n}`, key, [
        `ListenAddress ${network}.${n + 10}`,
        `SetEnv PATH=${join(folder, `h${n}`)}:/usr/bin:/bin`,
      ]),
    ),
  );
  const agents = new Map<string, { dashboard: Dashboard; close: () => void }>();
  for (const n of numbers(8)) {
    const filled = words !== undefined && n === 8;
    const sample = sampleDashboard(filled ? words : undefined, filled);
    const dashboard = await startDashboard({ ...sample.options, address: `${network}.${n + 50}`, port: 18789 });
    agents.set(`a${n}`, { dashboard, close: sample.close });
  }
  const file = join(folder, "team.yaml");
  const hypervisors = servers.map(
    ({ target: { name, port, user, hostKey } }, index) =>
      `  ${name}: { address: ${network}.${index + 11}, port: ${port}, user: ${user}, hostKey: ${hostKey.split(" ", 2).join(" ")}, memory: 16 GB, disk: 100 GB, cpus: 8 }`,
  );
  writeFileSync(
    file,
    `name: lab
network: { cidr: ${network}.0/24, gateway: ${network}.1, resolvers: [${network}.1], domain: lab.internal, admin: [${network}.254/32] }
hypervisors:
${hypervisors.join("\n")}
templates:
  tiny: { memory: 1 GB, vcpu: 1, root: 8 GB, data: 4 GB }
defaults:
  models: [{ provider: openai-compatible, model: m, baseUrl: http://127.0.0.1:1, price: { input: 0, output: 0 } }]
  budget: { run: 0.5, day: 5 }
agents:
${numbers(8)
  .map(
    (n) =>
      `  a${n}: { on: h${((n - 1) % 5) + 1}, address: ${network}.${n + 50}, template: tiny, duties: [orchestration], persona: You help., email: a${n}@olympus.example }`,
  )
  .join("\n")}
policy: { budget: { day: 40 } }
people:
  alice: { email: alice@olympus.example, name: Alice, command: true }
teams:
  all: { display: All, channels: [work] }
secrets: secrets.enc.yaml
`,
  );
  const found = (path: string): Secret =>
    new Secret(
      path,
      path === "ssh.deploy.private" ? key.private : path.startsWith("agents.") ? adminToken : key.public,
    );
  return {
    team: await loadTeam(file),
    secrets: { get: () => undefined, require: found } as unknown as SecretStore,
    down: async (agent) => agents.get(agent)!.dashboard.close(),
    power(machine, state) {
      const [host, has] = [...machines].find(([, all]) => all.has(machine))!;
      has.set(machine, state);
      tell(host);
    },
    hang(hypervisor, on) {
      const file = join(folder, hypervisor, "hangs");
      if (on) writeFileSync(file, "");
      else rmSync(file);
    },
    async close() {
      for (const { dashboard, close } of agents.values()) {
        await dashboard.close();
        close();
      }
      await Promise.all(servers.map((server) => server.stop()));
      await Promise.all([...libvirts.values()].map((libvirtd) => libvirtd[Symbol.asyncDispose]()));
      rmSync(folder, { recursive: true });
    },
  };
}
