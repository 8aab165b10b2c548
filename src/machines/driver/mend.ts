import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExecaError, execa } from "execa";
import { lockedIn } from "./locks.ts";

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly custom?: boolean;
  readonly id?: string;
}

interface Deployment {
  resources?: readonly Resource[];
  pending_operations?: readonly unknown[];
}

/**
 * Pure. A state without what a killed run left unfinished in it: operations that were under way, and resources without an id, which Pulumi
 * writes while a hook after their creation runs. Reading one of these back makes the engine panic and hang. The domains and volumes
 * themselves are cleared away by the program, which knows ours from others'. Undefined when there is nothing to mend.
 */
export function mended(deployment: Deployment): Deployment | undefined {
  const { resources = [], pending_operations: pending = [] } = deployment;
  const whole = resources.filter((resource) => resource.custom !== true || (resource.id ?? "") !== "");
  if (whole.length === resources.length && pending.length === 0) return undefined;
  const { pending_operations: _, ...rest } = deployment;
  return { ...rest, resources: whole };
}

/**
 * Mends a state by Pulumi's own export and import, wherever it lies. Gives whether it had to. Call it without anybody holding the lock;
 * throws E-LOCKED where somebody elsewhere does.
 */
export async function mendState(options: {
  readonly pulumi: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly project: string;
  readonly stack: string;
}): Promise<boolean> {
  const { pulumi, env, cwd, project, stack } = options;
  if (isWhole(env.PULUMI_BACKEND_URL ?? "", project, stack)) return false;
  const exporting = await execa(pulumi, ["stack", "export", "--stack", stack], { env, cwd, reject: false });
  // There is no such stack yet, or no way to its state, of which the run itself says more.
  if (exporting.exitCode !== 0) return false;
  const exported = JSON.parse(exporting.stdout) as { version: number; deployment: Deployment | null };
  const deployment = mended(exported.deployment ?? {});
  if (deployment === undefined) return false;
  try {
    await execa(pulumi, ["stack", "import", "--stack", stack, "--force"], {
      env,
      cwd,
      input: JSON.stringify({ ...exported, deployment }),
    });
  } catch (error) {
    // What looks unfinished is under way.
    throw (error instanceof ExecaError && lockedIn(String(error.stderr), stack)) || error;
  }
  return true;
}

/** What the file of a state in a local folder says, which is read sooner than Pulumi starts. False where only Pulumi can tell. */
function isWhole(backend: string, project: string, stack: string): boolean {
  if (!backend.startsWith("file://")) return false;
  const file = join(fileURLToPath(backend), ".pulumi/stacks", project, `${stack}.json`);
  if (!existsSync(file)) return true;
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as { checkpoint?: { latest?: Deployment } };
  return mended(checkpoint?.latest ?? {}) === undefined;
}
