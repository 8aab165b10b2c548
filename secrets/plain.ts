import { isMap, isScalar, isSeq, parseDocument, stringify } from "yaml";
import { exitCodes, OlympusError } from "../src/base/errors.ts";
import type { SecretStore } from "./store.ts";

/** Every value as YAML for an editor. The text is secret: it belongs into a 0600 file that is gone afterwards. */
export function plainText(store: SecretStore): string {
  const tree: Record<string, unknown> = {};
  for (const secret of store.all()) {
    const keys = secret.name.split(".");
    let at = tree;
    for (const key of keys.slice(0, -1)) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    at[keys.at(-1)!] = secret.reveal();
  }
  return stringify(tree, { indent: 2, lineWidth: 0 });
}

/**
 * Lays an edited text over the store: sets what changed, forgets what is gone; `save` writes it. Gives the names of both.
 * Every value is taken as it is written, `007` and `true` too. Throws E-SECRET-VALUE with line and column.
 */
export function applyPlain(store: SecretStore, text: string): { set: string[]; forgotten: string[] } {
  const wanted = valuesOf(text);
  const forgotten = store.paths().filter((path) => !wanted.has(path));
  // First, since a value may make place for others below its name.
  for (const path of forgotten) store.delete(path);
  const set = [...wanted].filter(([path, value]) => store.get(path)?.reveal() !== value);
  for (const [path, value] of set) store.set(path, value);
  return { set: set.map(([path]) => path), forgotten };
}

function valuesOf(text: string): Map<string, string> {
  const document = parseDocument(text, { schema: "failsafe", prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined || (document.contents !== null && !isMap(document.contents))) {
    // The error's own text would show the line.
    const place =
      error?.linePos === undefined ? "" : ` in line ${error.linePos[0].line}, column ${error.linePos[0].col}`;
    throw new OlympusError(`the edited text is no YAML map${place}`, {
      code: "E-SECRET-VALUE",
      exit: exitCodes.usage,
      hint: "Nothing was saved.",
    });
  }
  const values = new Map<string, string>();
  const walk = (node: unknown, name: readonly string[]): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items) walk(value, [...name, String(isScalar(key) ? key.value : key)]);
    } else if (isSeq(node)) {
      for (const [at, item] of node.items.entries()) walk(item, [...name, String(at)]);
    } else {
      values.set(name.join("."), isScalar(node) ? String(node.value ?? "") : "");
    }
  };
  walk(document.contents, []);
  return values;
}
