import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** One resource of a stack, as far as clean-up cares. */
export interface StateResource {
  readonly type: string;
  /** A domain's UUID, a volume's path. */
  readonly id: string;
  /** Name on the hypervisor. */
  readonly name: string;
}

interface Deployment {
  readonly resources?: readonly {
    readonly type: string;
    readonly id?: string;
    readonly outputs?: { readonly name?: string };
  }[];
}

/**
 * What a stack's state knows. A local backend's file is read as it is (no process, no lock); another one is asked
 * through `pulumi stack export`. Empty for a stack that was never brought up.
 */
export async function readStackState(
  stack: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<StateResource[]> {
  const backend = environment.PULUMI_BACKEND_URL ?? "";
  if (backend.startsWith("file://")) {
    const file = join(backend.slice("file://".length), ".pulumi", "stacks", "olympus", `${stack}.json`);
    if (!existsSync(file)) return [];
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as { checkpoint?: { latest?: Deployment } };
    return resourcesOf(checkpoint?.latest ?? {});
  }
  const { stdout } = await execa("pulumi", ["stack", "export", "--stack", stack], { env: environment });
  return resourcesOf((JSON.parse(stdout) as { deployment?: Deployment }).deployment ?? {});
}

/** Pure. Resources of the provider that exist on a hypervisor. */
export function resourcesOf(deployment: Deployment): StateResource[] {
  return (deployment.resources ?? [])
    .filter((resource) => resource.type.startsWith("libvirt:") && resource.id !== undefined && resource.id !== "")
    .map((resource) => ({ type: resource.type, id: resource.id!, name: resource.outputs?.name ?? "" }));
}
