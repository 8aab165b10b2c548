import { expect } from "vitest";
import { role as deploy } from "../../roles/deploy/role.ts";
import { role as hypervisor } from "../../roles/hypervisor/role.ts";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import type { OlympusError } from "../../src/base/errors.ts";
import { projectCatalogue } from "../../src/converge/catalogue.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { snapshotDifference, snapshotHost } from "./host-snapshot.ts";
import { moments } from "./moments.ts";
import { openclawOperations, publishOpenclaw } from "./openclaw.ts";
import { startPublisher } from "./publisher.ts";
import type { RoleLab, RoleTexts } from "./role-lab.ts";
import { changedTeam } from "./team.ts";

// Setup, then reset: the machine is as before. Also when something else was wished in between, and when the setup was killed at any
// moment. What a person wrote meanwhile stays.

/** What a role needs on a lab machine, which reaches the distribution and package registries alone. */
interface Trial {
  /** The role where it is not called by its trial's name. */
  readonly role?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** What is wished later in their place. */
  readonly later?: Readonly<Record<string, unknown>>;
  /** In place of the role itself, where it needs what no lab machine or its team has. What it starts ends with `until`. */
  readonly operations?: (
    lab: RoleLab,
    until: AsyncDisposableStack,
  ) => readonly Operation[] | Promise<readonly Operation[]>;
  /** Of another machine of the team, which is asked nothing. */
  readonly others?: RoleTexts;
  readonly secrets?: () => Readonly<Record<string, string>>;
  /** What Debian's packages leave when they are purged: empty folders, a file without content, a service that runs on. */
  readonly leaves?: RegExp;
}

const trials: Readonly<Record<string, Trial>> = {
  base: { params: { packages: ["tree"] }, later: { packages: ["jq"] } },
  hardening: {},
  firewall: {},
  postgresql: {},
  node: {},
  rehearsal: {},
  mattermost: {},
  "dev-env": {
    params: { tools: ["python", "c-cpp"], source: "registries" },
    later: { tools: ["python"], source: "registries" },
  },
  agent: {
    others: { mattermost: [], rehearsal: [] },
    secrets: () => ({ "mattermost.bots.athena.token": "0".repeat(26), "mattermost.bots.athena.id": "1".repeat(26) }),
  },
  github: {
    params: { login: "athena-bot" },
    secrets() {
      const pair = generateSshKeyPair("athena@lab");
      return {
        "agents.athena.signing.private": pair.private,
        "agents.athena.signing.public": pair.public,
        "agents.athena.github": "ghp_of_a_test",
      };
    },
  },
  docker: { params: { source: "registries", members: ["agent"] }, later: { source: "registries" } },
  deploy: {
    operations() {
      const keys = [generateSshKeyPair("athena@lab").public];
      return deploy.setup({ doors: [{ name: "shop", deploy: "shop", command: "/srv/go", keys }] }, {});
    },
  },
  forge: {},
  openclaw: {
    async operations(lab, until) {
      const registry = until.use(await startPublisher(lab.lab.hostAddress));
      publishOpenclaw(registry);
      return openclawOperations(lab.machines[0]!.address, {
        version: "1.0.0",
        plugin: "1.0.1",
        registry: registry.url,
      });
    },
  },
  "backup, which sends": {
    role: "backup",
    params: { to: "agora", schedule: "*-*-* 03:00", folders: ["/srv/notes"] },
    later: { to: "agora", schedule: "*-*-* 04:00" },
    others: { backup: [] },
  },
  "backup, which keeps": { role: "backup", others: { backup: { params: { to: "athena" } } } },
  hypervisor: {
    operations: () =>
      hypervisor.setup(
        {
          user: "agent",
          pool: "olympus",
          accel: "tcg",
          network: { name: "br0", address: "10.231.0.10/24", gateway: "10.231.0.1", resolvers: ["10.231.0.1"] },
        },
        hypervisor.params.parse({ poolPath: "/srv/volumes" }),
      ),
    leaves:
      /^\+ (file (etc\/(apparmor\.d(\/local(\/abstractions)?)?|libvirt(\/(secrets|storage|storage\/autostart))?|xml)|var\/lib\/(libvirt(\/qemu(\/checkpoint)?)?|machines|portables)) d |(file|e3b0c44298fc[0-9a-f]{52}) +etc\/apparmor\.d\/local\/abstractions\/libvirt-(lxc|qemu)\b|active systemd-machined\.service$)/,
  },
};

/** Roles that this can be shown of by themselves, some in two ways. */
export const provenAlone: readonly string[] = Object.keys(trials);

/** The roles that they are of. */
export const provenRoles: readonly string[] = Object.entries(trials).map(([name, { role = name }]) => role);

/**
 * The one exception: users and groups that Debian's own packages make, and leave when they are purged, so that files of theirs never
 * come to belong to somebody else.
 */
const leftByDebian =
  /^[-+] ((user|group|password) (postgres|ssl-cert|docker|_chrony|polkitd|kvm|rdma)\b.*|[0-9a-f]{64} {2}etc\/g?(passwd|group|shadow)|[0-9a-f]{64} {2}etc\/gshadow)$/;

async function difference(
  before: readonly string[],
  inside: (script: string) => Promise<string>,
  leaves: RegExp | undefined,
): Promise<string[]> {
  const all = snapshotDifference(before, await snapshotHost(inside)).filter((line) => leaves?.test(line) !== true);
  const named = all.some((line) => /^\+ (user|group) /.test(line) && leftByDebian.test(line));
  return named ? all.filter((line) => !leftByDebian.test(line)) : all;
}

/** A seed from OLYMPUS_SEED, or a new one; printed, so that a failure can be repeated. */
export function printedSeed(): number {
  const seed = Number(process.env.OLYMPUS_SEED ?? Math.floor(Math.random() * 1_000_000));
  process.stdout.write(`seed ${seed}: repeat with OLYMPUS_SEED=${seed}\n`);
  return seed;
}

/** A number from 0 (included) to 1 for a seed and a word: mulberry32. */
export function randomFor(seed: number, word: string): number {
  let state = [...word].reduce((sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 16_777_619), seed | 0);
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

/** The role with everything that it needs on the same machine, as `RoleLab.apply` takes it, and their kinds of data. */
async function withNeeds(name: string, params: Trial["params"] = {}, operations?: readonly Operation[]) {
  const catalogue = projectCatalogue();
  const texts: Record<string, readonly Operation[] | { readonly params: Readonly<Record<string, unknown>> }> = {};
  const data = new Set<string>();
  const visit = async (one: string): Promise<void> => {
    const role = await catalogue.load(one);
    for (const { role: needed, on } of role.requires) {
      if (on === "host") await visit(needed);
    }
    for (const kind of Object.keys(role.data ?? {})) data.add(kind);
    texts[one] = one === name ? (operations ?? { params }) : { params: {} };
  };
  await visit(name);
  return { texts, data: [...data] };
}

/** Format, history and generation, each by its content and its folder. */
const [notesOfBeginning, syncsOfNote] = [3, 2];

/** Sets a role up on a machine, changes its wishes and resets it; once more, killed at a moment that the seed chooses. */
export async function resetProperty(lab: RoleLab, name: string, seed: number): Promise<void> {
  const inside = (script: string): Promise<string> => lab.inside(script);
  const trial = trials[name]!;
  const { others = {} } = trial;
  await using until = new AsyncDisposableStack();
  const operations = await trial.operations?.(lab, until);
  const { texts, data } = await withNeeds(trial.role ?? name, trial.params, operations);
  for (const [path, value] of Object.entries(trial.secrets?.() ?? {})) lab.secrets.set(path, value);
  // This computer sits in the network of the machines, and must stay let in.
  const team = changedTeam(lab.team, (file) => {
    file.network.admin = [`${lab.lab.hostAddress}/32`];
  });
  const before = await snapshotHost(inside);
  const all = await moments(inside, async () => {
    const setup = await lab.apply("setup", texts, { team, others });
    expect(setup.errors, `${name}: setup`).toEqual([]);
  });
  expect((await lab.apply("setup", texts, { team, others })).changed, `${name}: changes of a second setup`).toBe(0);
  const domain = changedTeam(team, (file) => {
    file.network.domain = `later.${file.network.domain}`;
  });
  const other = await withNeeds(trial.role ?? name, trial.later ?? trial.params, operations);
  await inside("echo '192.0.2.9 theirs' >>/etc/hosts");
  expect((await lab.apply("setup", other.texts, { team: domain, others })).errors, `${name}: other wishes`).toEqual([]);
  const reset = await lab.apply("reset", texts, { purge: data, team, others });
  expect(reset.errors, `${name}: reset`).toEqual([]);
  expect(await inside("sed -i '/^192.0.2.9 theirs$/ { w /dev/stdout\nd }' /etc/hosts")).toBe("192.0.2.9 theirs\n");
  expect(await difference(before, inside, trial.leaves), `${name}: left by setup and reset`).toEqual([]);

  const at = 1 + Math.floor(randomFor(seed, name) * all.length);
  let errors: readonly OlympusError[] = [];
  const came = await moments(
    inside,
    async () => {
      errors = (await lab.apply("setup", texts, { team, others })).errors;
    },
    at,
  );
  const where = `${name}, moment ${at} of ${all.length} (${came[at - 1] ?? "never came"})`;
  // Before its first step nothing has begun: the setup begins again by itself.
  const unbegun = at <= notesOfBeginning * syncsOfNote;
  expect(
    errors.map(({ code, message }) => [code, message]),
    `${where}: setup was to be killed`,
  ).toEqual(unbegun ? [] : [["E-ROLE-APPLY", expect.stringContaining("was killed, or the machine restarted, at: ")]]);
  expect(unbegun ? came.length > at : came.length === at, `${where}: whether it went on`).toBe(true);
  process.stdout.write(`${where}: ${errors[0]?.message.split(": ").slice(1).join(": ") ?? "begun again"}\n`);
  const again = await lab.apply("reset", texts, { purge: data, team, others });
  expect(again.errors, `${where}: reset after a kill`).toEqual([]);
  expect(await difference(before, inside, trial.leaves), `${where}: left after a kill`).toEqual([]);
}
