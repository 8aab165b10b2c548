import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../base/paths.ts";

/**
 * Takes the encryption salt out of stacks/Pulumi.<stack>.yaml, where Pulumi writes it: the file belongs to every team
 * that has such a hypervisor, the salt to one team's passphrase. The state holds it too, and is where it is read from.
 */
export function forgetSalt(stack: string): void {
  const file = join(projectRoot, "stacks", `Pulumi.${stack}.yaml`);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const without = text.replace(/^encryptionsalt: .*\n?/m, "");
  if (without !== text) writeFileSync(file, without);
}
