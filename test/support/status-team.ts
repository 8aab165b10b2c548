/** A team of eight agents and five hypervisors, all on this computer: real dashboards, real sshd, and a virsh that answers at once. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecretStore } from "../../secrets/store.ts";
import { Secret } from "../../src/base/secret.ts";
import { type Dashboard, startDashboard } from "../../src/dashboard/server.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { adminToken, sampleDashboard } from "./dashboard.ts";
import { makeKey, startSshd } from "./sshd.ts";

export interface StatusTeam {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Turns an agent off. */
  down(agent: string): Promise<void>;
  close(): Promise<void>;
}

const virsh = `#!/bin/sh
case "$*" in
*"list --all --name"*) echo lab.a1 ;;
*pool-info*) echo "State: running" ;;
*domstate*) printf '%s\\n' 11111111-1111-4111-8111-111111111111 running lab ;;
esac
`;

/** `network`: three numbers of an own network on the loopback interface, `127.78.1`. */
export async function statusTeam(network: string): Promise<StatusTeam> {
  const folder = mkdtempSync(join(tmpdir(), "olympus-status-team-"));
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/virsh"), virsh, { mode: 0o755 });
  const key = makeKey(folder, "deploy");
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const servers = await Promise.all(
    numbers(5).map((n) =>
      startSshd(folder, `h${n}`, key, [
        `ListenAddress ${network}.${n + 10}`,
        `SetEnv PATH=${join(folder, "bin")}:/usr/bin:/bin`,
      ]),
    ),
  );
  const agents = new Map<string, { dashboard: Dashboard; close: () => void }>();
  for (const n of numbers(8)) {
    const sample = sampleDashboard(undefined, false);
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
    async close() {
      for (const { dashboard, close } of agents.values()) {
        await dashboard.close();
        close();
      }
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(folder, { recursive: true });
    },
  };
}
