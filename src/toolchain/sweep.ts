import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Removes what runs that were killed left in the cache: folders named by a process that is no more. */
export function sweep(root: string): void {
  for (const folder of [root, join(root, "store"), join(root, "build")]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      const pid = /\.(\d+)(?:\.part)?$/.exec(name)?.[1];
      const named = name.endsWith(".part") || folder.endsWith("/build");
      if (pid === undefined || !named || existsSync(`/proc/${pid}`)) continue;
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}
