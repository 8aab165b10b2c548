import { quote } from "../../src/base/quote.ts";
import type { CommandOperation } from "../../src/converge/operations.ts";
import { secretsFolder } from "./unit.ts";

/**
 * Removes keys of models that the agent no longer has. Only names that this role gives (`model-…`): another role may keep its own
 * secrets in the folder. `used` are the names that stay.
 */
export function unusedSecrets(used: readonly string[], folder: string = secretsFolder): CommandOperation {
  const keep = used.map((name) => `${quote(`${folder}/${name}`)}) ;;\n`).join("");
  const forOthers = (then: string): string =>
    `for file in ${quote(folder)}/model-*; do\ncase "$file" in\n${keep}*) ${then} ;;\nesac\ndone`;
  return {
    kind: "command",
    id: "unused-secrets",
    summary: "remove keys of models that are no longer used",
    check: forOthers('[ ! -e "$file" ]'),
    apply: forOthers('rm -f -- "$file"'),
  };
}
