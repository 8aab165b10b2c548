import { exitCodes, OlympusError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { Catalogue } from "./catalogue.ts";
import type { PreparedReset } from "./host-run.ts";

export interface MeantReset {
  /** All of the host's roles unless given. */
  readonly roles?: readonly string[] | undefined;
  readonly purge?: readonly string[];
}

/**
 * A role that another role set up there still needs is not reset without it. The next step names all of those at once, and those that
 * need them in turn: the command that it tells is not refused again.
 */
export async function checkDependents(
  host: string,
  { present }: Pick<PreparedReset, "present">,
  { roles, purge = [] }: MeantReset,
  catalogue: Catalogue,
): Promise<void> {
  if (roles === undefined) return;
  const known = present.filter((name) => catalogue.names().includes(name));
  const all = await Promise.all(known.map((name) => catalogue.load(name)));
  const together = [...roles];
  const reasons: string[] = [];
  for (let found = true; found; ) {
    found = false;
    for (const { name, requires } of all) {
      const needed = requires.find(({ role, on }) => on === "host" && together.includes(role));
      if (needed === undefined || together.includes(name)) continue;
      reasons.push(`${name} (needs ${needed.role})`);
      together.push(name);
      found = true;
    }
  }
  if (reasons.length === 0) return;
  const data = purge.length === 0 ? "" : ` --purge ${quote(purge.join(","))}`;
  throw new OlympusError(`Still set up there: ${reasons.join(", ")}.`, {
    code: "E-ROLE-REQUIRES",
    exit: exitCodes.usage,
    where: host,
    hint: `Reset them together: npx olympus role reset ${together.join(" ")} --host ${host}${data}`,
  });
}
