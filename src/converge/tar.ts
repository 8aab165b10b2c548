import { createReadStream } from "node:fs";
import { Readable } from "node:stream";

/** A member of a tar: bytes at hand, or a file on this computer. */
export type TarMember =
  | { readonly path: string; readonly content: Buffer }
  | { readonly path: string; readonly localPath: string; readonly size: number };

/** A POSIX tar as a stream: files only, mode 0600, paths of at most 100 bytes. Directories come about when it is unpacked. */
export function tarStream(members: readonly TarMember[]): Readable {
  return Readable.from(chunks(members), { objectMode: false, highWaterMark: 262_144 });
}

async function* chunks(members: readonly TarMember[]): AsyncGenerator<Buffer> {
  for (const member of members) {
    const size = "content" in member ? member.content.length : member.size;
    yield header(member.path, size);
    if ("content" in member) yield member.content;
    else yield* createReadStream(member.localPath, { highWaterMark: 262_144 });
    const rest = size % 512;
    if (rest > 0) yield Buffer.alloc(512 - rest);
  }
  yield Buffer.alloc(1024);
}

function header(path: string, size: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`path too long for a tar: ${path}`);
  const block = Buffer.alloc(512);
  block.write(path, 0);
  block.write("0000600\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write("        ", 148);
  block.write("0", 156);
  block.write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
