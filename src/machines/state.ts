import { execa } from "execa";
import { messageOf, OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";

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
 * What the state of a stack knows, as Pulumi itself reads it, whatever the backend: what it does not know is taken for a leftover and
 * removed, so a state that cannot be read must never look like an empty one. Empty when there is no such stack. Throws E-STATE.
 */
export async function readStackState(
  stack: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<StateResource[]> {
  try {
    const { stdout } = await execa("pulumi", ["stack", "export", "--stack", stack], {
      cwd: projectRoot,
      env: environment,
    });
    return resourcesOf((JSON.parse(stdout) as { deployment?: Deployment }).deployment ?? {});
  } catch (error) {
    if (/no stack named/.test(messageOf(error))) return [];
    throw new OlympusError(`the state of ${stack} cannot be read: ${messageOf(error)}`, {
      code: "E-STATE",
      where: stack,
      hint: "Nothing was changed. Look at the backend that `npx olympus env` names.",
      cause: error,
    });
  }
}

/** Pure. Resources of the provider that exist on a hypervisor. */
export function resourcesOf(deployment: Deployment): StateResource[] {
  return (deployment.resources ?? [])
    .filter((resource) => resource.type.startsWith("libvirt:") && resource.id !== undefined && resource.id !== "")
    .map((resource) => ({ type: resource.type, id: resource.id!, name: resource.outputs?.name ?? "" }));
}
