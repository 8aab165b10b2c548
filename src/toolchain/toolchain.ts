import { existsSync } from "node:fs";
import { join } from "node:path";
import { OlympusError } from "../base/errors.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { readLock, toolNames } from "./lock.ts";
import { readStamp } from "./stamp.ts";

/** Absolute paths of the tools of one set of pins. */
export interface Toolchain {
  /** For PATH: pulumi, its language host, `olympus`, and the project's `node`. */
  readonly binDir: string;
  readonly pulumi: string;
  /** PULUMI_HOME: holds the bridge as a plugin, and Pulumi's own workspace settings. */
  readonly pulumiHome: string;
  /** PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR: the libvirt provider, found before any registry is asked. */
  readonly pluginCache: string;
  /** Folder of the Mattermost server: bin/, i18n/, templates/, fonts/, and empty config/, data/, logs/, plugins/. Shared: copy it, never run in it. */
  readonly mattermost: string;
}

/** Paths of a set, whether it is there or not. */
export function toolchainOf(layout: Layout): Toolchain {
  return {
    binDir: join(layout.view, "bin"),
    pulumi: join(layout.view, "bin/pulumi"),
    pulumiHome: join(layout.view, "home"),
    pluginCache: join(layout.store("provider"), "cache"),
    mattermost: layout.store("mattermost"),
  };
}

/** The installed tools, checked by the sizes of their files (a few milliseconds). Throws E-TOOLCHAIN when one is missing. */
export function toolchain(): Toolchain {
  const layout = layoutOf(readLock());
  const missing: string[] = toolNames.filter((tool) => readStamp(layout.store(tool)) === undefined);
  if (missing.length === 0 && !existsSync(layout.view)) missing.push("links");
  if (missing.length > 0) {
    throw new OlympusError(`tools are not installed: ${missing.join(", ")}`, {
      code: "E-TOOLCHAIN",
      where: layout.root,
      hint: "run: npx olympus toolchain",
    });
  }
  return toolchainOf(layout);
}
