import type { Head } from "./chain.ts";

/** The words in which a head is told; `readHead` reads them again. */
export function sayHead(agent: string, { day, seq, hash }: Head): string {
  return `Audit log of ${agent} on ${day}: ${seq} entries so far, head \`${hash}\`. \`npx olympus audit verify\` compares it.`;
}

/** What a post tells of an agent's log; undefined when it is another post. */
export function readHead(agent: string, text: string): Head | undefined {
  const found = /^Audit log of (\S+) on (\d{4}-\d\d-\d\d): (\d+) entries so far, head `([0-9a-f]{64})`/.exec(text);
  if (found === null || found[1] !== agent) return undefined;
  return { day: found[2]!, seq: Number(found[3]), hash: found[4]! };
}
