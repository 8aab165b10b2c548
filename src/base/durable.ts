import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a file that is there whole or not at all, also after a kill or a power cut, and never takes another's place: of several processes
 * that make it at once, one does. Gives whether it was this one. The folder must be there.
 */
export function makeOnce(file: string, text: string, mode: number): boolean {
  const temporary = `${file}.${randomBytes(4).toString("hex")}.new`;
  try {
    writeFileSync(temporary, text, { mode, flag: "wx", flush: true });
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
  return true;
}

/**
 * Replaces a file, or makes it, by a rename: a reader, a kill or a power cut finds the old text or the new one, whole and with its mode.
 * Of two that replace it at once the later one counts. The folder must be there.
 */
export async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString("hex")}.new`;
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await sync(dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Has a file, or what a folder lists, on the disk before it resolves. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
