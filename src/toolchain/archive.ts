import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { inflateRawSync } from "node:zlib";
import { execa } from "execa";
import { messageOf, OlympusError } from "../base/errors.ts";

/** Unpacks a .tar.gz or .zip into a new folder. Throws E-ARCHIVE for a damaged one. */
export async function unpack(archive: string, folder: string, signal: AbortSignal): Promise<void> {
  mkdirSync(folder, { recursive: true });
  try {
    if (archive.endsWith(".zip")) unzip(readFileSync(archive), folder);
    else await execa("tar", ["-xzf", archive, "-C", folder, "--no-same-owner"], { cancelSignal: signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new OlympusError(`the archive cannot be unpacked: ${messageOf(error).split("\n")[0]}`, {
      code: "E-ARCHIVE",
      where: archive,
      hint: "run the command again; it is downloaded anew",
      cause: error,
    });
  }
}

/** Enough of the zip format for release archives (stored and deflated entries, no zip64), which saves a dependency. */
function unzip(data: Buffer, folder: string): void {
  const end = data.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new Error("no zip directory");
  let at = data.readUInt32LE(end + 16);
  for (let left = data.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (data.readUInt32LE(at) !== 0x02014b50) throw new Error("broken zip directory");
    const method = data.readUInt16LE(at + 10);
    const size = data.readUInt32LE(at + 20);
    const nameLength = data.readUInt16LE(at + 28);
    const skip = data.readUInt16LE(at + 30) + data.readUInt16LE(at + 32);
    const header = data.readUInt32LE(at + 42);
    const name = data.toString("utf8", at + 46, at + 46 + nameLength);
    at += 46 + nameLength + skip;
    if (name.endsWith("/")) continue;
    const target = normalize(join(folder, name));
    if (!target.startsWith(`${folder}/`)) throw new Error(`"${name}" leads out of the folder`);
    const start = header + 30 + data.readUInt16LE(header + 26) + data.readUInt16LE(header + 28);
    const packed = data.subarray(start, start + size);
    if (method !== 0 && method !== 8) throw new Error(`"${name}" is packed in an unknown way (${method})`);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, method === 0 ? packed : inflateRawSync(packed), { mode: 0o755 });
  }
}
