/** The door that agents' keys lead to, on a machine with a real sshd: one command, one argument, and no way around. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderDeploys } from "../../roles/agent/deploys.ts";
import { deployUser, doorKey } from "../../roles/deploy/keys.ts";
import { role } from "../../roles/deploy/role.ts";
import { silentReporter } from "../../src/base/report.ts";
import { applyRoles } from "../../src/converge/run.ts";
import { callHost } from "../../src/harness/gates/over-ssh.ts";
import { type RotateContext, rotationOf, runRotation } from "../../src/rotate/index.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";
import { makeKey } from "../support/sshd.ts";
import { changedTeam } from "../support/team.ts";

let lab: RoleLab;
let folder: string;
let before: string[];
let keys: Record<"shop" | "back", ReturnType<typeof makeKey>>;
const inside = (script: string) => lab.inside(script);
const commit = "0123456789abcdef0123456789abcdef01234567";
const signal = new AbortController().signal;
const host = () => ({
  name: "target",
  address: lab.machines[0]!.address,
  port: 22,
  user: deployUser,
  key: lab.machines[0]!.hostKey.split(" ").slice(0, 2).join(" "),
});
const call = (key: string, what: string) => callHost({ host: host(), minutes: 5 }, join(folder, key), what, signal);

beforeAll(async () => {
  lab = await openRoleLab(1);
  folder = mkdtempSync(join(tmpdir(), "olympus-deploy-"));
  keys = { shop: makeKey(folder, "shop"), back: makeKey(folder, "back") };
  await inside(`cat >/srv/go <<'end'
#!/bin/sh
echo "$0 $*" >>/var/tmp/calls
echo "as $(id -un): $*; $(env | sort | tr '\\n' ' ')"
echo x 2>/dev/null >>/var/lib/olympus-deploy/.ssh/authorized_keys || echo "no key of mine"
exit "$(cat /srv/code)"
end
chmod 755 /srv/go; cp /srv/go /srv/back; echo 0 >/srv/code`);
  before = await snapshotHost(inside);
});
afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

const doors = () => [
  { name: "shop", deploy: "shop", command: "/srv/go --stack prod", keys: [keys.shop.public] },
  { name: "shop-back", deploy: "shop", command: "/srv/back", keys: [keys.back.public] },
];

test("set up, a key runs its command with a commit, as the login made for it; what was there before is told", async () => {
  const operations = role.setup({ doors: doors() }, {});
  expect((await lab.apply("setup", { deploy: operations })).errors).toEqual([]);
  const again = await lab.apply("setup", { deploy: operations });
  expect([again.errors, again.changed]).toEqual([[], 0]);
  const first = await call("shop", commit);
  expect(first).toMatchObject({ code: 0 });
  expect(first.output).toMatch(/^before: none\n/);
  expect(first.output).toContain(`as ${deployUser}: --stack prod ${commit}; HOME=/var/lib/olympus-deploy/work`);
  expect(first.output).toContain("no key of mine");
  const other = commit.replace("0", "f");
  await inside("echo 3 >/srv/code");
  expect(await call("shop", other)).toMatchObject({ code: 3, output: expect.stringContaining(`before: ${commit}\n`) });
  await inside("echo 0 >/srv/code");
  const back = await call("back", commit);
  expect([back.code, back.output.split("\n")[0]]).toEqual([0, `before: ${commit}`]);
  expect(await inside("cat /var/tmp/calls; rm /var/tmp/calls")).toBe(
    `/srv/go --stack prod ${commit}\n/srv/go --stack prod ${other}\n/srv/back ${commit}\n`,
  );
});

test("every other argument, shell, file transfer and forwarding is refused, by the harness and by the host", async () => {
  const wrong = [
    "",
    "id",
    `${commit}; id`,
    `${commit} id`,
    `${commit}\nid`,
    `${commit}\n`,
    commit.toUpperCase(),
    commit.slice(1),
    `${commit}0`,
    `$(touch /var/tmp/calls)`,
    `--help`,
    "/srv/go",
    "/usr/lib/openssh/sftp-server",
  ];
  for (const text of wrong) await expect(call("shop", text), text).rejects.toThrow("40 hexadecimal digits");
  const known = join(folder, "known");
  const { address, key } = host();
  await execa("tee", [known], { input: `${address} ${key}\n` });
  const base = ["-F", "none", "-i", join(folder, "shop"), "-o", "BatchMode=yes", "-o", `UserKnownHostsFile=${known}`];
  const to = `${deployUser}@${address}`;
  const tries: [string, readonly string[]][] = [
    ...wrong.map((text): [string, readonly string[]] => ["ssh", [...base, to, text]]),
    ["ssh", [...base, "-tt", to]],
    ["ssh", [...base, "-o", "SetEnv=BASH_ENV=/srv/go LC_ALL=x PATH=/tmp", to, "x"]],
    ["ssh", [...base, "-s", to, "sftp"]],
    ["ssh", [...base, "-W", "127.0.0.1:22", to]],
    ["ssh", [...base, "-N", "-o", "ExitOnForwardFailure=yes", "-R", "10022:127.0.0.1:22", to]],
    ["sftp", [...base.slice(2), to]],
    ["scp", [...base.slice(2), "-O", join(folder, "known"), `${to}:x`]],
  ];
  for (const [program, args] of tries) {
    const tried = await execa(program, args, { reject: false, input: "" });
    expect(tried.exitCode, args.slice(7).join(" ")).not.toBe(0);
  }
  expect(await inside("ls /var/tmp | grep calls; ls -A /var/lib/olympus-deploy/work")).toBe(
    ".notes\nshop.commit\nshop.lock\n",
  );
});

test("its key is given a new value: the agent's machine gets in with it and deploys nothing by that, the old one is refused", async () => {
  const secretsOf = "/etc/olympus/secrets";
  const roles = { base: {}, agent: {}, github: { login: "athena-bot" }, deploy: {} };
  const [machine] = lab.team.machines;
  const team = changedTeam({ ...lab.team, machines: [{ ...machine!, roles }] }, ({ policy }) => {
    const rest = { branch: "main", kind: "deploy" as const, approvers: [], minutes: 5 };
    policy.gates.deploy = { shop: { repository: "zeus/shop", host: machine!.name, command: "/srv/go", ...rest } };
  });
  const { secrets } = lab;
  const context: RotateContext = {
    team,
    secrets,
    reporter: silentReporter(),
    signal,
    chatUrl: "",
    async apply(role, hosts) {
      if (role === "agent") return bring();
      const { errors } = await applyRoles({ ...context, action: "setup", roles: [role], hosts });
      if (errors[0] !== undefined) throw errors[0];
    },
  };
  /** The agent's role is played: its file. */
  const bring = async () => {
    const key = renderDeploys(team, machine!.name, secrets).secrets["deploy-shop"]!.reveal();
    await inside(`umask 077; mkdir -p ${secretsOf}; printf %s '${key}' >${secretsOf}/deploy-shop`);
  };
  const keep = (name: string) =>
    writeFileSync(join(folder, name), doorKey(machine!.name, "shop", secrets).private.reveal(), { mode: 0o600 });
  keep("old");
  await context.apply("deploy", [machine!.name]);
  await bring();
  expect(await call("old", commit)).toMatchObject({ code: 0 });
  await inside("rm /var/tmp/calls");
  const path = `agents.${machine!.name}.deploy`;
  await runRotation(
    rotationOf(path, context, () => Promise.reject(new Error("nobody is asked"))),
    context,
  );
  keep("new");
  expect(await inside(`ls -A /dev/shm; ls /var/tmp | grep calls; cat ${secretsOf}/deploy-shop`)).toBe(
    readFileSync(join(folder, "new"), "utf8"),
  );
  expect(await call("old", commit)).toMatchObject({ code: 255, output: expect.stringContaining("Permission denied") });
  expect(await call("new", commit)).toMatchObject({ code: 0 });
  expect(secrets.paths().filter((one) => one.startsWith("rotation."))).toEqual([]);
  await inside(`rm -r ${secretsOf} /var/tmp/calls`);
});

test("reset lets nobody in and leaves nothing", async () => {
  expect((await lab.apply("reset", {})).errors).toEqual([]);
  expect((await call("shop", commit)).code).toBe(255);
  expect(snapshotDifference(before, await snapshotHost(inside))).toEqual([]);
});
