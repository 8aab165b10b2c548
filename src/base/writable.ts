import { accessSync, constants } from "node:fs";

/** Whether this process may make something in a folder. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false; // Whatever the reason: nothing can be made there.
  }
}
