import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { learnSha256, pinnedDownload, recordSha256 } from "../../src/toolchain/pinned-download.ts";

/** A publisher's file that a host downloads. */
export interface Pin {
  readonly version: string;
  readonly url: string;
  readonly sha256: string;
}

const lockSchema = z.strictObject({
  downloads: z.record(z.string(), pinnedDownload.extend({ version: z.string() })),
  npm: z.strictObject({
    cdk: z.strictObject({ name: z.string(), version: z.string() }),
    /** Packed as the registry gives it. */
    npm: z.strictObject({ name: z.string(), version: z.string(), sha256: z.string() }),
  }),
});
export type ToolsLock = z.infer<typeof lockSchema>;

export const toolsLockFile: string = join(projectRoot, "roles/dev-env/tools.lock.json");

export function readToolsLock(file: string = toolsLockFile): ToolsLock {
  return lockSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/**
 * The pins of these downloads. A checksum that the lock file does not have yet is asked of the publisher and written into it;
 * from then on any other file is refused. Throws E-DOWNLOAD when a publisher cannot be reached for that.
 */
export async function resolvePins(
  names: readonly string[],
  signal: AbortSignal,
  file: string = toolsLockFile,
): Promise<Record<string, Pin>> {
  const { downloads } = readToolsLock(file);
  const pins: Record<string, Pin> = {};
  for (const name of names) {
    const { version, url, ...known } = downloads[name]!;
    try {
      const sha256 = await learnSha256({ url, ...known }, signal);
      if (known.sha256 === undefined) await recordSha256(file, ["downloads", name], sha256, signal);
      pins[name] = { version, url, sha256 };
    } catch (error) {
      if (!(error instanceof OlympusError)) throw error;
      throw new OlympusError(`${name}: ${error.message}`, {
        code: "E-DOWNLOAD",
        exit: exitCodes.failed,
        where: error.where ?? url,
        hint: "Where publishers are not reached, set the role's source to registries:  roles: { dev-env: { source: registries } }",
        cause: error,
      });
    }
  }
  return pins;
}
