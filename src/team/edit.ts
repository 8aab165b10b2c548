import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";
import { OlympusError } from "../base/errors.ts";
import type { Path } from "./source.ts";

/**
 * The text with the value at `path` set, every other character as it was: comments, order and style stay.
 * The map that holds the key must exist; the key is replaced, or added as the map's last one.
 *
 * Throws E-TEAM-EDIT when the place cannot be edited in the text alone (an alias stands there, or nothing).
 */
export function setInText(text: string, path: Path, value: string | number): string {
  const doc = parseDocument(text, { keepSourceTokens: true });
  const key = String(path.at(-1));
  const map = doc.getIn(path.slice(0, -1), true);
  const edited = isMap(map) && map.items.length > 0 ? edit(text, map, key, literal(value)) : undefined;

  // The edit is only right when reading it back shows exactly the one change.
  const expected = parseDocument(text);
  if (edited !== undefined) {
    expected.setIn(path, value);
    const read = parseDocument(edited);
    if (read.errors.length === 0 && JSON.stringify(read.toJS()) === JSON.stringify(expected.toJS())) return edited;
  }
  throw new OlympusError(`${path.join(".")} cannot be written into the team file by itself`, {
    code: "E-TEAM-EDIT",
    hint: `Write it yourself: ${key}: ${literal(value)}`,
  });
}

function edit(text: string, map: YAMLMap, key: string, value: string): string | undefined {
  const existing = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  if (existing !== undefined) {
    if (!isScalar(existing.value) || existing.value.range == null) return undefined;
    const [start, end] = existing.value.range;
    return `${text.slice(0, start)}${start === end ? " " : ""}${value}${text.slice(end)}`;
  }
  const last: Pair = map.items.at(-1)!;
  const end = endOf(last);
  const start = startOf(map.items[0]!);
  if (end === undefined || start === undefined) return undefined;
  if (map.flow === true) return `${text.slice(0, end)}, ${key}: ${value}${text.slice(end)}`;

  const indent = start - (text.lastIndexOf("\n", start - 1) + 1);
  const line = `${" ".repeat(indent)}${key}: ${value}`;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  if (text[end - 1] === "\n") return `${text.slice(0, end)}${line}${newline}${text.slice(end)}`;
  const lineEnd = text.indexOf(newline, end);
  if (lineEnd === -1) return `${text}${newline}${line}${newline}`;
  return `${text.slice(0, lineEnd)}${newline}${line}${text.slice(lineEnd)}`;
}

function startOf(pair: Pair): number | undefined {
  return isScalar(pair.key) ? pair.key.range?.[0] : undefined;
}

function endOf(pair: Pair): number | undefined {
  const value = pair.value as { range?: readonly number[] | null } | null;
  return value?.range?.[1] ?? (isScalar(pair.key) ? pair.key.range?.[1] : undefined);
}

/** Plain where YAML reads it back as the same text, also within braces; else in double quotes. */
function literal(value: string | number): string {
  if (typeof value === "number") return String(value);
  return /^[A-Za-z][A-Za-z0-9+/=. -]*$/.test(value) && !/^(true|false|null)$/i.test(value)
    ? value
    : JSON.stringify(value);
}
