import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { endsWithParent, fromProject, write } from "./install.ts";
import type { Layout } from "./layout.ts";
import type { ToolLock } from "./lock.ts";

/**
 * Puts one set of tools together: `bin` goes on PATH, `home` is PULUMI_HOME with the bridge as an installed plugin
 * (from there the engine takes it without the warning that a plugin on PATH causes). Does nothing when it is there.
 */
export function ensureView(lock: ToolLock, layout: Layout): void {
  if (existsSync(layout.view)) return;
  const staging = `${layout.view}.${process.pid}.part`;
  rmSync(staging, { recursive: true, force: true });
  const bin = join(staging, "bin");
  mkdirSync(bin, { recursive: true });
  for (const program of ["pulumi", "pulumi-language-nodejs"]) {
    symlinkSync(join(layout.store("pulumi"), program), join(bin, program));
  }
  write(join(bin, "olympus"), fromProject('"$root/scripts/olympus"'));
  write(join(bin, "node"), fromProject('"$node"'));
  const plugin = join(staging, "home/plugins", `resource-terraform-provider-v${lock.tools.bridge.published}`);
  write(
    join(plugin, "pulumi-resource-terraform-provider"),
    endsWithParent(join(layout.store("bridge"), "pulumi-resource-terraform-provider")),
  );
  try {
    renameSync(staging, layout.view);
  } catch (error) {
    // Another run made the same one meanwhile.
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(layout.view)) throw error;
  }
}
