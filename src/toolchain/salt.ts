import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../base/durable.ts";
import { projectRoot } from "../base/paths.ts";

/**
 * Makes `salt` the encryption salt in stacks/Pulumi.<stack>.yaml, where Pulumi looks for it and writes it, or takes it out: the file belongs
 * to every team that has such a hypervisor, the salt to one team's passphrase. The state holds it too, and is where it is read from. The
 * rest of the settings stays as it is. `root` is the folder with Pulumi.yaml.
 */
export async function setSalt(stack: string, salt: string | undefined, root: string = projectRoot): Promise<void> {
  const file = join(root, "stacks", `Pulumi.${stack}.yaml`);
  const before = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const rest = before.replace(/^encryptionsalt: .*\n?/m, "");
  const after = salt === undefined ? rest : `encryptionsalt: ${salt}\n${rest}`;
  if (after !== before) await replaceFile(file, after, 0o644);
}
