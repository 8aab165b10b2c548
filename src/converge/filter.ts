import { unknownWord } from "../team/unknown.ts";
import type { RoleWish } from "./plan.ts";
import type { HostResult } from "./result.ts";

/** Which operations a command means: by `id`, `role/id`, and globs of them. */
export interface OperationFilter {
  readonly only: readonly string[];
  readonly skip: readonly string[];
}

/** The wishes with those operations alone that are meant. */
export function filterWishes(wishes: readonly RoleWish[], { only, skip }: OperationFilter): RoleWish[] {
  return wishes.map(({ role, operations }) => ({
    role,
    operations: operations.filter(
      ({ id }) =>
        (only.length === 0 || only.some((word) => means(word, role, id))) &&
        !skip.some((word) => means(word, role, id)),
    ),
  }));
}

/** What one host should have; empty and failed where that could not be made, such as for want of a secret. */
interface Wishing {
  readonly wishes: readonly RoleWish[];
  readonly result: Pick<HostResult, "state">;
}

/** Throws E-UNKNOWN for a word that means no operation on any of the hosts. Where wishes are missing, that is not known. */
export function mustMeanSomething(hosts: readonly Wishing[], { only, skip }: OperationFilter): void {
  if (hosts.some(({ wishes, result }) => wishes.length === 0 && result.state === "failed")) return;
  const ids = hosts.flatMap(({ wishes }) =>
    wishes.flatMap(({ role, operations }) => operations.map(({ id }) => ({ role, id }))),
  );
  for (const word of [...only, ...skip]) {
    if (ids.some(({ role, id }) => means(word, role, id))) continue;
    const known = [...new Set(ids.map(({ role, id }) => (word.includes("/") ? `${role}/${id}` : id)))];
    throw unknownWord("operation", word, known);
  }
}

function means(word: string, role: string, id: string): boolean {
  const parts = word.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(word.includes("/") ? `${role}/${id}` : id);
}
