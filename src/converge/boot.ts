import { setTimeout as pause } from "node:timers/promises";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { Host } from "../team/hosts.ts";

/** What a machine that is still booting answers with; nothing else gets better by waiting. */
const passing = new Set(["E-SSH-REFUSED", "E-SSH-TIMEOUT", "E-SSH-LOST", "E-SSH-JUMP"]);
const betweenMs = 500;

/**
 * Connects, trying again while the host seems to boot, for `seconds` at most. Throws E-ROLE-BOOT then, with how to look at its
 * console; any other error at once.
 */
export async function waitForBoot(
  { host, team }: { readonly host: Host; readonly team: string },
  seconds: number,
  connect: () => Promise<SshConnection>,
  signal: AbortSignal,
  onStep: (label: string) => void,
): Promise<SshConnection> {
  const begun = Date.now();
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      if (signal.aborted || !(error instanceof OlympusError) || !passing.has(error.code)) throw error;
      const waited = Math.round((Date.now() - begun) / 1000);
      if (waited >= seconds) throw bootError(host, team, waited, error);
      onStep(`waiting for it to boot, ${waited} s`);
      await pause(betweenMs, undefined, { signal });
    }
  }
}

function bootError(host: Host, team: string, seconds: number, cause: unknown): OlympusError {
  const look =
    host.machine === undefined
      ? "Look at its own console."
      : `npx olympus console ${host.name}, or on ${host.hypervisor}: virsh -c qemu:///system console ${team}.${host.name}`;
  return new OlympusError(`${host.name} did not come up within ${seconds} s: ${messageOf(cause)}`, {
    code: "E-ROLE-BOOT",
    exit: exitCodes.unreachable,
    where: host.name,
    hint: look,
    cause,
  });
}
