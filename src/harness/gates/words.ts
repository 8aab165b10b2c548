import { visible } from "../visible.ts";

/** What people say to a gate in the chat: nothing else in the post, not a sign more. Text that only looks like it is none. */
export interface GateWord {
  readonly word: "approve" | "refuse" | "overrule" | "back";
  readonly id: string;
  /** Of `overrule`: the lens, and why. */
  readonly lens?: string;
  readonly reason?: string;
}

/** `!approve 3f9a1c22d0`, with the agent's mention before it or without; undefined for everything else, quotations and code included. */
export function gateWord(text: string, agent: string): GateWord | undefined {
  const said = text.trim().replace(new RegExp(`^@${agent}[,:]?[ ]+`, "i"), "");
  const simple = /^!(approve|refuse|back) ([0-9a-f]{10})$/.exec(said);
  if (simple !== null) return { word: simple[1] as "approve" | "refuse" | "back", id: simple[2]! };
  const over = /^!overrule ([0-9a-f]{10}) ([a-z]+) ([^\n]{3,300})$/.exec(said);
  return over === null ? undefined : { word: "overrule", id: over[1]!, lens: over[2]!, reason: over[3]! };
}

/**
 * What may be ids of gates in a text with a word of approval that is no gate's word: a slip, or text made to look like one. It opens
 * nothing. Other things have ten such digits too: it means a gate only where there is one of that name.
 */
export function looksLikeGates(text: string): string[] {
  const seen = visible(text.normalize("NFKC")).toLowerCase();
  // Letters of other scripts that look like ours count as well: what is left of the word is enough.
  if (!/!\S*(appr|prove|overrule|refuse|back)|approve/.test(seen)) return [];
  return [...new Set(seen.match(/(?<![0-9a-f])[0-9a-f]{10}(?![0-9a-f])/g))];
}
