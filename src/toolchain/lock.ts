import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";

export const toolNames = ["pulumi", "bridge", "provider", "mattermost"] as const;
export type ToolName = (typeof toolNames)[number];

const download = z.strictObject({
  /** The publisher's own archive: .tar.gz or .zip. */
  url: z.url(),
  /** The publisher's own list of checksums (`<hex>  <file>` a line), read when `sha256` is not known yet. */
  checksums: z.url().optional(),
  /** Known in advance, or written here on first use. A different one is refused from then on. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
export type Download = z.infer<typeof download>;

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
  downloads: z.record(z.string(), download),
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

/** Writes a checksum that was seen for the first time. Reads the file again first: another tool may have written its own. */
export function recordChecksum(file: string, tool: ToolName, platform: string, sha256: string): void {
  const lock = readLock(file);
  const entry = lock.tools[tool].downloads[platform];
  if (entry === undefined) return;
  entry.sha256 = sha256;
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(lock, null, 2)}\n`);
  renameSync(temporary, file);
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
