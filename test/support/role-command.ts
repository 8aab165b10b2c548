import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../../src/base/paths.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { type CliResult, olympus } from "./olympus.ts";
import type { RoleLab } from "./role-lab.ts";

/** The command line on a role lab's machines, by a team file of their own. */
export interface RoleCommand {
  /** What the role `probe` wishes from now on. */
  wish(operations: readonly Operation[]): void;
  run(...words: readonly string[]): Promise<CliResult>;
}

/** Where the example has the machines. */
const examples: Readonly<Record<string, string>> = { athena: "10.220.1.50", agora: "10.220.1.20" };

/** Writes the lab's team file beside its secrets, with the role `probe` on its machines, or as `roles` has it, and saves the secrets. */
export async function openRoleCommand(
  lab: RoleLab,
  roles: Readonly<Record<string, string>> = {},
): Promise<RoleCommand> {
  const folder = dirname(lab.team.secretsFile);
  const file = join(folder, "team.yaml");
  const net = lab.lab.gateway.replace(/\d+$/, "");
  let text = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8").replace(/\nlab:[\s\S]*/, "\n");
  for (const { name, address } of lab.machines) {
    const place = `address: ${examples[name]}\n`;
    if (!text.includes(place)) throw new Error(`${name} is not in the example as expected`);
    text = text.replace(place, `address: ${address}\n    roles: ${roles[name] ?? "{ probe: {} }"}\n`);
  }
  // Nobody asks the hypervisors; their addresses must only be nobody else's.
  text = text.replace("10.220.1.7,", `${net}201,`).replace("10.220.1.10,", `${net}202,`).replaceAll("10.220.1.", net);
  writeFileSync(file, text);
  const role = join(folder, "roles/probe");
  mkdirSync(role, { recursive: true });
  const support = join(import.meta.dirname, "file-role.ts");
  writeFileSync(
    join(role, "role.ts"),
    `import { fileRole } from ${JSON.stringify(support)};\nexport const role = fileRole(import.meta.dirname);\n`,
  );
  await lab.secrets.save();
  const env = { SOPS_AGE_KEY_FILE: process.env.SOPS_AGE_KEY_FILE!, OLYMPUS_STATE: join(folder, "state") };
  return {
    wish: (operations) => writeFileSync(join(role, "operations.json"), JSON.stringify(operations)),
    run: (...words) => olympus([...words, "--team", file], { env }),
  };
}
