import type { Change } from "../change.ts";

/** Several changes as one, in order; undefined where none is needed. Their uploads must have names of their own. */
export function together(summary: string, parts: readonly (Change | undefined)[]): Change | undefined {
  const changes = parts.filter((part) => part !== undefined);
  if (changes.length === 0) return undefined;
  return {
    summary,
    diff: changes.flatMap(({ diff = [] }) => diff),
    script: changes.map(({ script }) => script).join("\n"),
    uploads: changes.flatMap(({ uploads = [] }) => uploads),
    records: changes.flatMap(({ records = [] }) => records),
    saves: changes.flatMap(({ saves = [] }) => saves),
    reaches: changes.flatMap(({ reaches = [] }) => reaches),
    restarts: changes.flatMap(({ restarts = [] }) => restarts),
    starts: changes.flatMap(({ starts = [] }) => starts),
  };
}
