import type { SecretStore } from "../../secrets/store.ts";
import { messageOf, OlympusError } from "../base/errors.ts";
import { createRootShell } from "../converge/root-shell.ts";
import { sshTargetOf } from "../machines/find.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { LoadedTeam, NamedHypervisor } from "../team/model.ts";
import { checkAcceleration } from "./acceleration.ts";
import type { Check } from "./check.ts";

type Finding = Omit<Check, "host">;

/** Tries over SSH what `up` will need of a hypervisor: login, libvirt, bridge, pool, space, acceleration. Never throws for what it finds. */
export async function checkHypervisor(
  hypervisor: NamedHypervisor,
  team: LoadedTeam,
  secrets: SecretStore,
  signal: AbortSignal,
): Promise<Check[]> {
  const named = (findings: Finding[]): Check[] => findings.map((finding) => ({ host: hypervisor.name, ...finding }));
  let connection: SshConnection;
  try {
    connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
  } catch (error) {
    const hint = error instanceof OlympusError ? (error.hint ?? "") : "";
    return named([fail("ssh", messageOf(error), hint)]);
  }
  try {
    const findings = [
      ok("ssh", `${hypervisor.user}@${hypervisor.address}, host key as pinned`),
      await checkLibvirt(connection, hypervisor),
    ];
    if (findings[1]?.state === "ok") {
      findings.push(
        await checkBridge(connection, hypervisor),
        await checkPool(connection, hypervisor),
        await checkAcceleration(
          connection,
          createRootShell(connection, secrets.get(`sudo.${hypervisor.name}`)),
          hypervisor,
          team.name,
        ),
      );
    }
    return named(findings);
  } finally {
    connection.close();
  }
}

async function checkLibvirt(connection: SshConnection, { user }: NamedHypervisor): Promise<Finding> {
  const { code, stdout, stderr } = await connection.exec("virsh -c qemu:///system version --daemon");
  if (code === 0) return ok("libvirt", /Running against daemon: (.+)/.exec(stdout)?.[1] ?? "answers");
  // A login that was added to the group does not know yet; telling this apart saves a search.
  const groups = await connection.exec(`id -nG; id -nG ${user}`);
  const [now = "", then = ""] = groups.stdout.split("\n");
  if (!then.split(" ").includes("libvirt")) {
    return fail("libvirt", `${user} is not in the group libvirt`, `there: sudo usermod -aG libvirt,kvm ${user}`);
  }
  if (!now.split(" ").includes("libvirt")) {
    return fail(
      "libvirt",
      `${user} is in the group libvirt, but this login does not know yet`,
      "end the login's sessions, or reboot",
    );
  }
  return fail("libvirt", stderr.trim(), "there: systemctl status libvirtd");
}

async function checkBridge(connection: SshConnection, { bridge }: NamedHypervisor): Promise<Finding> {
  const { code, stdout } = await connection.exec(
    `cat /sys/class/net/${bridge}/operstate && ls /sys/class/net/${bridge}/brif`,
  );
  if (code !== 0)
    return fail("bridge", `${bridge} does not exist`, `make the bridge, or name yours in team.yaml (bridge:)`);
  const [state = "", ...ports] = stdout.trim().split("\n");
  if (ports.length === 0)
    return fail(
      "bridge",
      `${bridge} has no port: guests would reach nobody`,
      `put the network's interface into ${bridge}`,
    );
  return ok("bridge", `${bridge} is ${state} with ${ports.join(", ")}`);
}

async function checkPool(connection: SshConnection, { pool }: NamedHypervisor): Promise<Finding> {
  const { code, stdout } = await connection.exec(`virsh -c qemu:///system pool-info ${pool} --bytes`);
  if (code !== 0) {
    return fail(
      "pool",
      `no pool named ${pool}`,
      `there: virsh pool-define-as ${pool} dir --target /var/lib/libvirt/images`,
    );
  }
  if (!/^State:\s+running$/m.test(stdout))
    return fail("pool", `${pool} is not running`, `there: virsh pool-start ${pool}`);
  const free = Number(/^Available:\s+(\d+)$/m.exec(stdout)?.[1] ?? 0) / 1e9;
  return free < 2
    ? fail("pool", `${pool} has ${free.toFixed(1)} GB free`, "free some space on that file system")
    : ok("pool", `${pool} is running, ${free.toFixed(0)} GB free`);
}

function ok(name: Check["name"], fact: string): Finding {
  return { name, state: "ok", fact, fix: "" };
}

function fail(name: Check["name"], fact: string, fix: string): Finding {
  return { name, state: "fail", fact, fix };
}
