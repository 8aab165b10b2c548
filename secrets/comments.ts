import { type Document, isNode, isPair, isScalar, type Pair, visit } from "yaml";
import { isEncrypted, openValue, placeOf, sealValue } from "./cipher.ts";

/**
 * Seals the comments that SOPS encrypted with a new data key; those within lists are items and no concern of this. A comment is bound to
 * the keys around it, but a YAML parser may hang it on a node deeper than that: the tag tells which of the places it is.
 */
export function resealComments(document: Document, from: Uint8Array, to: Uint8Array): void {
  const again = (text: string, keys: readonly string[]): string =>
    text
      .split("\n")
      .map((line) => (isEncrypted(line.trim()) ? resealed(line.trim(), keys, from, to) : line))
      .join("\n");
  const both = (node: { comment?: string | null; commentBefore?: string | null }, keys: readonly string[]): void => {
    if (node.comment) node.comment = again(node.comment, keys);
    if (node.commentBefore) node.commentBefore = again(node.commentBefore, keys);
  };
  both(document, []);
  visit(document, (_, node, ancestors) => {
    if (!isNode(node)) return;
    both(node, ancestors.filter(isPair).map(keyOf));
  });
}

function resealed(text: string, keys: readonly string[], from: Uint8Array, to: Uint8Array): string {
  let cause: unknown;
  for (let depth = keys.length; depth >= 0; depth -= 1) {
    const place = placeOf(keys.slice(0, depth));
    try {
      return sealValue(openValue(text, from, place), to, place, "comment");
    } catch (error) {
      // Bound to another place.
      cause = error;
    }
  }
  throw new Error("a comment that sops encrypted belongs somewhere else", { cause });
}

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}
