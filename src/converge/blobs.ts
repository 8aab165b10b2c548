import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import { cacheDir } from "../base/paths.ts";
import type { LocalFile, LocalFolder } from "./operations.ts";

const run = promisify(execFile);
const making = new Map<string, Promise<LocalFile>>();

/** A blob as one file on this computer, with its sha256 and size. Folders become a compressed tar, kept in the cache by their hash. */
export async function blobFile(source: LocalFile | LocalFolder): Promise<LocalFile> {
  if ("localPath" in source) return source;
  // Hosts of one run share the work.
  const known = making.get(source.hash);
  if (known !== undefined) return known;
  const made = pack(source);
  making.set(source.hash, made);
  return made;
}

async function pack({ localFolder, hash, only }: LocalFolder): Promise<LocalFile> {
  const folder = cacheDir("archives");
  const localPath = `${folder}/${hash}.tar.gz`;
  if (!existsSync(localPath)) {
    await mkdir(folder, { recursive: true });
    const temporary = `${localPath}.${randomBytes(4).toString("hex")}`;
    try {
      await run("tar", [
        ...[
          "--sort=name",
          "--mtime=@0",
          "--owner=0",
          "--group=0",
          "--numeric-owner",
          "--use-compress-program=gzip -n3",
        ],
        ...["-C", localFolder, "-cf", temporary, "--", ...(only ?? ["."])],
      ]);
      await rename(temporary, localPath);
    } catch (error) {
      await rm(temporary, { force: true });
      throw new OlympusError(`${localFolder} cannot be packed: ${messageOf(error)}`, {
        code: "E-ROLE-BLOB",
        exit: exitCodes.failed,
        where: localFolder,
        cause: error,
      });
    }
  }
  const sum = createHash("sha256");
  await pipeline(createReadStream(localPath), sum);
  return { localPath, sha256: sum.digest("hex"), size: (await stat(localPath)).size };
}

/** Bytes of a compressed tar when unpacked: gzip's own last four bytes (modulo 4 GiB). */
export async function unpackedSize({ localPath, size }: LocalFile): Promise<number> {
  const handle = await open(localPath);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, size - 4);
    return buffer.readUInt32LE();
  } finally {
    await handle.close();
  }
}
