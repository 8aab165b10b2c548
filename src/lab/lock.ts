import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { identify, isAlive, type ProcessId, waitFor } from "./processes.ts";

/**
 * Runs `work` while holding a lock file. A lock whose holder has died is taken over. Waits up to `waitMs` for a living
 * holder, then throws E-LOCKED (exit 75), naming it.
 */
export async function withLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const mine = JSON.stringify(identify(process.pid));
  let holder: ProcessId | undefined;
  const take = async (): Promise<true | undefined> => {
    try {
      await writeFile(file, mine, { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    holder = await readHolder(file);
    if (holder === undefined || isAlive(holder)) return undefined;
    await rm(file, { force: true });
    return take();
  };
  const taken = await waitFor(take, waitMs, 50);
  if (taken === undefined) {
    throw new OlympusError(`another command works on the lab (process ${holder?.pid ?? "unknown"})`, {
      code: "E-LOCKED",
      exit: exitCodes.locked,
      where: file,
      hint: "Wait for it, or end it and run the same command again.",
    });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function readHolder(file: string): Promise<ProcessId | undefined> {
  try {
    const text = await readFile(file, "utf8");
    // Empty for the instant between making the file and writing it.
    return text === "" ? undefined : (JSON.parse(text) as ProcessId);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
