import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Programs that unpack an index, by its first two bytes. */
const unpackers: Readonly<Record<string, string>> = { fd37: "xz", "1f8b": "gzip" };

/**
 * What APT's own indexes say of packages: gives the SHA-256 of every package file of a name (two archives may each have one), or none when
 * no index knows it. Reads the indexes that a package cache has in `dir`, each once, when first asked after it came: a second for Debian's
 * largest. They can be believed: the cache keeps no index whose content is not what its name says, and APT takes that name from a signed file.
 */
export function packageHashes(dir: string): (file: string) => Promise<readonly string[]> {
  const read = new Set<string>();
  const known = new Map<string, string>();
  let last: Promise<void> = Promise.resolve();

  async function readNew(): Promise<void> {
    for (const name of await readdir(dir)) {
      if (read.has(name) || !/^[0-9a-f]{16}-[0-9a-f]{64,128}$/.test(name)) continue;
      for await (const [file, hash] of packagesIn(join(dir, name))) {
        const before = known.get(file);
        if (before === undefined) known.set(file, hash);
        else if (!before.includes(hash)) known.set(file, `${before} ${hash}`);
      }
      read.add(name);
    }
  }

  return async (file) => {
    const mine = last.then(readNew);
    // One that failed must not keep the next from trying.
    last = mine.catch(() => undefined);
    await mine;
    return known.get(file)?.split(" ") ?? [];
  };
}

/** File name and hash of each package of an index; nothing for what is none, such as translations. */
async function* packagesIn(index: string): AsyncGenerator<[string, string]> {
  const handle = await open(index);
  const magic = (await handle.read(Buffer.alloc(2), 0, 2, 0)).buffer.toString("hex");
  await handle.close();
  const program = unpackers[magic];
  if (program === undefined) return;
  // The two lines of interest out of thirty, before they are here.
  const script = `{ "$1" -dc -- "$2" || echo unreadable; } | awk '/^unreadable/{exit 1} /^Filename: /{file=$2} /^SHA256: /{print file, $2}'`;
  const child = spawn("sh", ["-c", script, "sh", program, index], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) {
    const [path = "", hash = ""] = line.split(" ");
    if (hash.length === 64) yield [path.slice(path.lastIndexOf("/") + 1), hash];
  }
  const [code] = await closed;
  if (code !== 0) throw new Error(`the package index ${index} cannot be read: is ${program} installed?`);
}
