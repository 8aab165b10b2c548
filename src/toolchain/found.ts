import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import type { Yield } from "./install.ts";
import { providerFolder } from "./layout.ts";
import type { ToolName, ToolPin } from "./lock.ts";

/** A tool that this computer has already, in exactly the pinned version; undefined when there is none. `root` is our own cache, which does not count. */
export async function findTool(
  tool: ToolName,
  pin: ToolPin,
  root: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Yield | undefined> {
  const home = environment.HOME ?? homedir();
  const pulumiHome = environment.PULUMI_HOME ?? join(home, ".pulumi");
  const candidates: Record<ToolName, readonly string[]> = {
    pulumi: (environment.PATH ?? "").split(delimiter).map((folder) => join(folder, "pulumi")),
    bridge: [
      join(pulumiHome, `plugins/resource-terraform-provider-v${pin.published}`, "pulumi-resource-terraform-provider"),
    ],
    provider: [
      join(pulumiHome, "dynamic_tf_plugins", providerFolder(pin.version), "terraform-provider-libvirt"),
      join(home, ".terraform.d/plugins", providerFolder(pin.version), "terraform-provider-libvirt"),
    ],
    mattermost: [],
  };
  const own = existsSync(root) ? realpathSync(root) : root;
  for (const program of candidates[tool]) {
    if (!existsSync(program) || realpathSync(program).startsWith(`${own}/`)) continue;
    // Folders of the others are named by version; a plugin of ours (a launcher into the cache) is never copied.
    if (tool !== "pulumi") {
      if (program.startsWith(`${root}/`)) continue;
      return { program };
    }
    const { stdout } = await execa(program, ["version"], {
      reject: false,
      timeout: 10_000,
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    if (stdout.trim() === `v${pin.version}`) return { program };
  }
  return undefined;
}
