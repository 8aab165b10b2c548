import type { SecretStore } from "../../secrets/store.ts";
import { asOlympusError, type OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import { sshTargetOf } from "./find.ts";
import { probe } from "./readiness.ts";
import { machineSpecs } from "./spec.ts";

export interface StandingOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly hypervisor: string;
  readonly onProgress?: ((what: string) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface MachineFailure {
  readonly machine: string;
  readonly error: OlympusError;
}

export interface Standing {
  readonly wrong: readonly MachineFailure[];
  /** Machines whose data disk grew without its file system. */
  readonly behind: readonly string[];
}

/**
 * Waits until every machine of a hypervisor is ready, those too that Pulumi found nothing to do for: a machine may be booting because
 * its hypervisor was started just now, or may never have become ready, which Pulumi's state cannot say.
 */
export async function awaitStanding(options: StandingOptions): Promise<Standing> {
  const { team, secrets, hypervisor, onProgress, signal } = options;
  const wrong: MachineFailure[] = [];
  const behind: string[] = [];
  await Promise.all(
    machineSpecs(team, secrets, hypervisor).map(async ({ machine, generation, seed }) => {
      try {
        const answer = await probe({
          target: sshTargetOf(team, secrets, machine.name),
          expected: { generation, seed: seed.hash },
          onProgress: (what) => onProgress?.(`${machine.name}: ${what}`),
          signal,
        });
        if (answer.behind) behind.push(machine.name);
      } catch (error) {
        signal.throwIfAborted();
        wrong.push({ machine: machine.name, error: asOlympusError(error, machine.name) });
      }
    }),
  );
  return { wrong, behind };
}
