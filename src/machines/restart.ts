import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../base/errors.ts";
import { shutDown } from "../libvirt/domain.ts";
import { virsh } from "../libvirt/virsh.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { LoadedTeam } from "../team/model.ts";
import { findMachine, sshTargetOf } from "./find.ts";
import { probe } from "./readiness.ts";
import { machineSpecs } from "./spec.ts";

export interface RestartOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly machine: string;
  readonly onProgress: (what: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Shuts a machine down in order, starts it, and waits until it is really there. Gives how it went down.
 * Throws E-NO-DOMAIN when its hypervisor does not have it, and as `probe` does.
 */
export async function restartMachine(options: RestartOptions): Promise<{ outcome: string }> {
  const { team, secrets, onProgress, signal } = options;
  const { machine, hypervisor } = findMachine(team, options.machine);
  const spec = machineSpecs(team, secrets, hypervisor.name).find((one) => one.machine.name === machine.name)!;
  const { domain } = spec.names;
  onProgress(`${hypervisor.name}: connecting to ${hypervisor.address}`);
  const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
  try {
    onProgress(`${machine.name}: shutting down`);
    const outcome = await shutDown(connection, domain);
    if (outcome === "gone") {
      throw new OlympusError(`${hypervisor.name} has no machine ${machine.name}`, {
        code: "E-NO-DOMAIN",
        where: hypervisor.name,
        hint: `npx olympus up ${hypervisor.name}`,
      });
    }
    signal.throwIfAborted();
    await virsh(connection, ["start", domain]);
    await probe({
      target: sshTargetOf(team, secrets, machine.name),
      expected: { generation: spec.generation, seed: spec.seed.hash },
      onProgress: (what) => onProgress(`${machine.name}: ${what}`),
      signal,
    });
    return { outcome };
  } finally {
    connection.close();
  }
}
