import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { pinnedDownload } from "./pinned-download.ts";

export const toolNames = ["pulumi", "bridge", "provider", "mattermost"] as const;
export type ToolName = (typeof toolNames)[number];

const pin = z.strictObject({
  version: z.string(),
  /** Of the published archive, where its number differs from the module's. */
  published: z.string(),
  /** `path@version` for `go get -tool`, or a bare path that `require` gives the version of. */
  module: z.string(),
  ldflags: z.string().optional(),
  replace: z.array(z.string()),
  require: z.array(z.string()),
  /** By platform: linux-x64, linux-arm64. */
  downloads: z.record(z.string(), pinnedDownload),
});
export type ToolPin = z.infer<typeof pin>;

const lockSchema = z.strictObject({
  /** Grows when the shape of the installed folders changes, so that old ones are not taken for new ones. */
  layout: z.number().int(),
  tools: z.strictObject({ pulumi: pin, bridge: pin, provider: pin, mattermost: pin }),
});
export type ToolLock = z.infer<typeof lockSchema>;

export const lockFile: string = join(projectRoot, "src/toolchain/toolchain.lock.json");

/** Reads the lock file. Throws E-TOOLCHAIN-LOCK naming the first wrong field. */
export function readLock(file: string = lockFile): ToolLock {
  const parsed = lockSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new OlympusError(`the tools' lock file is wrong at ${issue?.path.join(".")}: ${issue?.message}`, {
    code: "E-TOOLCHAIN-LOCK",
    exit: 1,
    where: file,
    hint: `git checkout -- ${file}`,
  });
}

/** Twelve hex digits that name a pin's folder in the cache. Addresses and checksums are not part of it: they say where it comes from, not what it is. */
export function pinKey(lock: ToolLock, tool: ToolName): string {
  const { downloads: _, ...rest } = lock.tools[tool];
  return createHash("sha256")
    .update(JSON.stringify([lock.layout, rest]))
    .digest("hex")
    .slice(0, 12);
}

/** The name of this machine in the lock file. */
export function platform(): string {
  return `${process.platform}-${process.arch}`;
}
