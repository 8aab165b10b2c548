import type { SecretStore } from "../../secrets/store.ts";
import { messageOf, OlympusError } from "../base/errors.ts";
import { seedApplied } from "../converge/places.ts";
import { sshTargetOf } from "../machines/find.ts";
import { cloudInitEnded } from "../machines/readiness.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { LoadedTeam, Machine } from "../team/model.ts";
import type { Check } from "./check.ts";

/** Tries what roles need of a VM: login, a first start that ended, units that run, its data disk. Never throws for what it finds. */
export async function checkMachine(
  machine: Machine,
  team: LoadedTeam,
  secrets: SecretStore,
  signal: AbortSignal,
): Promise<Check[]> {
  const { name, address } = machine;
  let connection: SshConnection;
  try {
    connection = await connectSsh(sshTargetOf(team, secrets, machine.name), signal);
  } catch (error) {
    const hint = error instanceof OlympusError ? (error.hint ?? "") : "";
    // The connection's own hint would send the person back to this command.
    const fix = hint.includes("npx olympus doctor") ? `npx olympus up ${machine.hypervisor}` : hint;
    return [{ host: name, name: "ssh", state: "fail", fact: messageOf(error), fix }];
  }
  try {
    const { stdout } = await connection.exec(probe, { signal });
    return [
      { host: name, name: "ssh", state: "ok", fact: `agent@${address}, host key as pinned`, fix: "" },
      ...machineChecks(name, stdout),
    ];
  } finally {
    connection.close();
  }
}

/** Pure: what the probe's lines say. */
export function machineChecks(name: string, stdout: string): Check[] {
  const [cloudInit = "", failed = "", free = ""] = stdout.split("\n");
  return [
    judge(name, "cloud-init", cloudInitEnded(cloudInit), cloudInit || "no answer", "there: cloud-init status --long"),
    judge(
      name,
      "units",
      failed === "",
      failed === "" ? "none failed" : `failed: ${failed}`,
      `there: journalctl -u ${failed.split(" ")[0]}`,
    ),
    judge(
      name,
      "data",
      Number(free) > 0,
      free === "" ? "/srv/olympus is not mounted" : `/srv/olympus, ${free} MB free`,
      free === "" ? "there: lsblk -f" : "a larger data disk in the team file, then: npx olympus up",
    ),
  ];
}

/** Three lines: how cloud-init ended, failed units, free MiB on the data disk (empty while it is not mounted). */
const probe = [
  `if [ -e ${seedApplied} ]; then echo disabled; else echo "$(cloud-init status 2>/dev/null | sed -n "s/^status: //p")"; fi`,
  "echo \"$(systemctl list-units --state=failed --plain --no-legend | awk '{ print $1 }' | paste -sd ' ')\"",
  "echo \"$(mountpoint -q /srv/olympus && df -m --output=avail /srv/olympus | tail -n 1 | tr -d ' ')\"",
].join("\n");

function judge(host: string, name: Check["name"], good: boolean, fact: string, fix: string): Check {
  return { host, name, state: good ? "ok" : "fail", fact, fix: good ? "" : fix };
}
