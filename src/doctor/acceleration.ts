import { OlympusError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { RootShell } from "../converge/root-shell.ts";
import { teamPrefix } from "../machines/names.ts";
import type { ExecResult, SshConnection } from "../ssh/connection.ts";
import type { NamedHypervisor } from "../team/model.ts";
import type { Check } from "./check.ts";

/** How long a guest gets to print its kernel's first line. On hardware that works it takes under two seconds. */
const bootSeconds = 15;

/**
 * Tries KVM by booting something under it: the device file alone says nothing (nested or broken KVM opens and then hangs).
 * Boots a copy-on-write view of the base image that lies in the pool; before the first `up` there is none, and the answer is open.
 */
export async function checkAcceleration(
  connection: SshConnection,
  shell: RootShell,
  { name, accel, pool }: NamedHypervisor,
  team: string,
): Promise<Omit<Check, "host">> {
  if (accel === "tcg") {
    const device = await connection.exec("test -w /dev/kvm");
    if (device.code !== 0)
      return { name: "accel", state: "ok", fact: "emulated (tcg), and there is no KVM to use", fix: "" };
  }
  const script = [
    `target=$(virsh -c qemu:///system pool-dumpxml ${pool} | sed -n 's:.*<path>\\(.*\\)</path>.*:\\1:p')`,
    `image=$(virsh -c qemu:///system vol-list ${pool} | awk -v p='${teamPrefix(team)}image.' 'index($1, p) == 1 {print $2; exit}')`,
    '[ -n "$image" ] || { echo NO-IMAGE; exit 0; }',
    // Serial output to a file: `timeout` ends the guest whether it hangs or boots.
    "out=$(mktemp)",
    `timeout ${bootSeconds} qemu-system-x86_64 -accel kvm -cpu host -m 256 -display none -serial file:$out -drive file="$image",format=qcow2,snapshot=on,if=virtio -nic none`,
    `grep -q -E 'Linux version|login:|systemd' "$out" && echo BOOTED || echo SILENT`,
    'rm -f "$out"',
  ].join("\n");
  let tried: ExecResult;
  try {
    tried = await shell.run(`-c ${quote(script)}`, { timeoutMs: (bootSeconds + 10) * 1000 });
  } catch (error) {
    if (!(error instanceof OlympusError) || error.code !== "E-ROLE-SUDO") throw error;
    return { name: "accel", state: "warn", fact: `cannot be tried: ${error.message}`, fix: error.hint ?? "" };
  }
  const { stdout, stderr } = tried;
  const answer = stdout.trim().split("\n").at(-1);
  if (answer === "NO-IMAGE" || answer === undefined || answer === "") {
    return {
      name: "accel",
      state: "warn",
      fact: `cannot be tried before the first up (${stderr.trim() || "no base image there"})`,
      fix: "",
    };
  }
  const works = answer === "BOOTED";
  if (works && accel === "tcg") {
    return {
      name: "accel",
      state: "warn",
      fact: "KVM works here, and the team file says tcg",
      fix: `set accel: kvm for ${name} in the team file`,
    };
  }
  if (!works && accel === "kvm") {
    return {
      name: "accel",
      state: "fail",
      fact: "the device opens, but a guest under KVM hangs",
      fix: `set accel: tcg for ${name} in the team file`,
    };
  }
  return { name: "accel", state: "ok", fact: works ? "KVM boots a guest" : "emulated (tcg); KVM hangs here", fix: "" };
}
