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

/**
 * Waits until every machine of a hypervisor is ready, those too that Pulumi found nothing to do for: a machine may be booting because
 * its hypervisor was started just now, or may never have become ready, which Pulumi's state cannot say. Gives what is wrong.
 */
export async function awaitStanding(options: StandingOptions): Promise<{ machine: string; error: OlympusError }[]> {
  const { team, secrets, hypervisor, onProgress, signal } = options;
  const found = await Promise.all(
    machineSpecs(team, secrets, hypervisor).map(async ({ machine, generation, seed }) => {
      try {
        await probe({
          target: sshTargetOf(team, secrets, machine.name),
          expected: { generation, seed: seed.hash },
          onProgress: (what) => onProgress?.(`${machine.name}: ${what}`),
          signal,
        });
        return [];
      } catch (error) {
        signal.throwIfAborted();
        return [{ machine: machine.name, error: asOlympusError(error, machine.name) }];
      }
    }),
  );
  return found.flat();
}
