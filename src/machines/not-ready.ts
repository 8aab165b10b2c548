import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../base/errors.ts";
import { stateDir } from "../base/paths.ts";
import type { LoadedTeam } from "../team/model.ts";
import { probe } from "./readiness.ts";
import { machineSpecs } from "./spec.ts";
import { machineTarget } from "./targets.ts";

/**
 * Machines of a hypervisor that were made and did not become ready. Pulumi's state has them as made, and a hook after a creation cannot
 * change that, so the next `up` would find nothing to do: they are remembered here.
 */
export function rememberNotReady(team: string, hypervisor: string, machines: readonly string[]): void {
  const file = fileOf(team, hypervisor);
  if (machines.length === 0) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${machines.join("\n")}\n`);
}

export function notReady(team: string, hypervisor: string): string[] {
  const file = fileOf(team, hypervisor);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}

function fileOf(team: string, hypervisor: string): string {
  return stateDir(team, "not-ready", hypervisor);
}

export interface LookAgainOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly hypervisor: string;
  readonly onProgress?: ((what: string) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Waits for those machines once more, and forgets the ones that are ready now. Gives what is still wrong. */
export async function lookAgain(options: LookAgainOptions): Promise<{ machine: string; error: OlympusError }[]> {
  const { team, secrets, hypervisor, onProgress, signal } = options;
  const remembered = notReady(team.name, hypervisor);
  if (remembered.length === 0) return [];
  const specs = machineSpecs(team, secrets, hypervisor).filter(({ machine }) => remembered.includes(machine.name));
  const still = await Promise.all(
    specs.map(async ({ machine, generation, seed }) => {
      try {
        await probe({
          target: machineTarget(team, secrets, machine),
          expected: { generation, seed: seed.hash },
          onProgress: (what) => onProgress?.(`${machine.name}: ${what}`),
          signal,
        });
        return [];
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof OlympusError)) throw error;
        return [{ machine: machine.name, error }];
      }
    }),
  );
  const wrong = still.flat();
  rememberNotReady(
    team.name,
    hypervisor,
    wrong.map(({ machine }) => machine),
  );
  return wrong;
}
