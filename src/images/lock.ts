import { open, readFile, rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { isAlive } from "../base/process.ts";

/** Runs `work` while holding `file`, which names the holder's process. Waits for a living holder, takes over from a dead one. */
export async function withBuildLock<T>(
  file: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  while (!(await take(file))) {
    if (await holderIsDead(file)) await rm(file, { force: true });
    else await wait(500, undefined, signal === undefined ? {} : { signal });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx");
    await handle.writeFile(`${process.pid}\n`);
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function holderIsDead(file: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const pid = Number.parseInt(text, 10);
  // Empty for an instant, between making the file and writing the number.
  if (Number.isNaN(pid)) return false;
  return !isAlive(pid);
}
