import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { exitCodes, messageOf, OlympusError } from "../../src/base/errors.ts";
import { cacheDir } from "../../src/base/paths.ts";
import type { LocalFolder } from "../../src/converge/operations.ts";
import type { ToolsLock } from "./pins.ts";

const run = promisify(execFile);

/** npm itself as a folder to ship: the Node that is pushed to machines comes without it. */
export interface NpmPackage {
  readonly version: string;
  readonly folder: LocalFolder;
}

/**
 * Packs the pinned npm with the npm of this computer, which knows its registry, proxy and authorities, and keeps it in the cache.
 * Throws E-DOWNLOAD when it cannot be had and E-CHECKSUM when it is not the pinned one.
 */
export async function npmPackage(
  { name, version, sha256 }: ToolsLock["npm"]["npm"],
  signal: AbortSignal,
): Promise<NpmPackage> {
  const folder = cacheDir("npm", `${name}-${version}-${sha256.slice(0, 12)}`);
  if (!existsSync(folder)) await fetchTo(folder, name, version, sha256, signal);
  return { version, folder: { localFolder: join(folder, "package"), hash: sha256 } };
}

async function fetchTo(folder: string, name: string, version: string, sha256: string, signal: AbortSignal) {
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  const where = `${name}@${version}`;
  try {
    const { stdout } = await run("npm", ["pack", "--silent", where, "--pack-destination", work], { signal, cwd: work });
    const packed = join(work, stdout.trim().split("\n").at(-1)!);
    const seen = createHash("sha256")
      .update(await readFile(packed))
      .digest("hex");
    if (seen !== sha256) {
      throw new OlympusError(`npm gave another package than the pinned one: sha256 ${seen}, pinned ${sha256}`, {
        code: "E-CHECKSUM",
        exit: exitCodes.failed,
        where,
        hint: "Nothing was installed. Find out which registry this computer's npm asks:  npm config get registry",
      });
    }
    await run("tar", ["-xzf", packed, "-C", work, "--no-same-owner"], { signal });
    await rm(packed);
    await rename(work, folder);
  } catch (error) {
    signal.throwIfAborted();
    await rm(work, { recursive: true, force: true });
    // Another run was faster.
    if (existsSync(folder)) return;
    if (error instanceof OlympusError) throw error;
    throw new OlympusError(`npm cannot be had: ${messageOf(error).split("\n")[0]}`, {
      code: "E-DOWNLOAD",
      exit: exitCodes.failed,
      where,
      hint: "Try on this computer:  npm view npm version",
      cause: error,
    });
  }
}
