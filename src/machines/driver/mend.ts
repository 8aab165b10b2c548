import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

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

/** Mends a local state by Pulumi's own export and import. Gives whether it had to. Call it without anybody holding the lock. */
export async function mendState(options: {
  readonly pulumi: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly project: string;
  readonly stack: string;
}): Promise<boolean> {
  const { pulumi, env, cwd, project, stack } = options;
  const backend = env.PULUMI_BACKEND_URL ?? "";
  if (!backend.startsWith("file://")) return false;
  const file = join(fileURLToPath(backend), ".pulumi/stacks", project, `${stack}.json`);
  if (!existsSync(file)) return false;
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as { checkpoint?: { latest?: Deployment } };
  if (mended(checkpoint?.latest ?? {}) === undefined) return false;
  const { stdout } = await execa(pulumi, ["stack", "export", "--stack", stack], { env, cwd });
  const exported = JSON.parse(stdout) as { version: number; deployment: Deployment };
  const deployment = mended(exported.deployment);
  if (deployment === undefined) return false;
  await execa(pulumi, ["stack", "import", "--stack", stack, "--force"], {
    env,
    cwd,
    input: JSON.stringify({ ...exported, deployment }),
  });
  return true;
}
