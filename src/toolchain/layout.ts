import { createHash } from "node:crypto";
import { join } from "node:path";
import { cacheDir } from "../base/paths.ts";
import { pinKey, type ToolLock, type ToolName, toolNames } from "./lock.ts";

/** Where everything of one set of pins lies. Folders in `store` never change once their stamp is there. */
export interface Layout {
  readonly root: string;
  /** Folder of one tool, named by version and pin. */
  store(tool: ToolName): string;
  /** The folder that puts the tools of this set together: `bin/` for PATH and `home/` for PULUMI_HOME. */
  readonly view: string;
}

/** Pure: names of folders for a lock. `root` is the per-user cache unless a test gives another. */
export function layoutOf(lock: ToolLock, root: string = cacheDir("tools")): Layout {
  const keys = toolNames.map((tool) => pinKey(lock, tool));
  const set = createHash("sha256").update(keys.join()).digest("hex").slice(0, 12);
  return {
    root,
    store: (tool) => join(root, "store", `${tool}-${lock.tools[tool].version}-${pinKey(lock, tool)}`),
    view: join(root, `set-${set}`),
  };
}

/** Where a provider lies below the bridge's plugin cache: the layout of Terraform's and OpenTofu's provider mirrors. */
export function providerFolder(version: string): string {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  return `registry.opentofu.org/dmacvicar/libvirt/${version}/linux_${arch}`;
}
