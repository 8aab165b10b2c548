import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";
import { OlympusError } from "../base/errors.ts";
import type { Path } from "./source.ts";

/** What can be written: scalars, lists, and maps (a line for each key) of them. */
export type TextValue =
  | string
  | number
  | readonly string[]
  | { readonly [key: string]: string | number | readonly string[] };

/**
 * The text with the value at `path` set, every other character as it was: comments, order and style stay.
 * The map that holds the key must exist; the key is replaced, or added as the map's last one.
 *
 * Throws E-TEAM-EDIT when the place cannot be edited in the text alone (an alias stands there, or nothing).
 */
export function setInText(text: string, path: Path, value: TextValue): string {
  const doc = parseDocument(text, { keepSourceTokens: true });
  const key = String(path.at(-1));
  const map = doc.getIn(path.slice(0, -1), true);
  const edited = isMap(map) && map.items.length > 0 ? edit(text, map, key, value) : undefined;

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

/**
 * The text without the key at `path` and its value, every other character as it was. Throws E-TEAM-EDIT when it is not written on
 * lines of its own, or another place refers to it.
 */
export function removeFromText(text: string, path: Path): string {
  const doc = parseDocument(text, { keepSourceTokens: true });
  const map = doc.getIn(path.slice(0, -1), true);
  const pair = isMap(map) ? map.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
  const [start, end] = [pair && startOf(pair), pair && endOf(pair)];
  if (start !== undefined && end !== undefined) {
    const from = text.lastIndexOf("\n", start - 1) + 1;
    const line = text.indexOf("\n", Math.max(end - 1, start));
    const edited = text.slice(0, from) + (line === -1 ? "" : text.slice(line + 1));
    const expected = parseDocument(text);
    expected.deleteIn(path);
    const read = dataOf(parseDocument(edited));
    if (read !== undefined && read === dataOf(expected)) return edited;
  }
  throw new OlympusError(`${path.join(".")} cannot be taken out of the team file by itself`, {
    code: "E-TEAM-EDIT",
    hint: "Take it out yourself.",
  });
}

function edit(text: string, map: YAMLMap, key: string, wanted: TextValue): string | undefined {
  const value = literal(wanted);
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
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const line = isRecord(wanted)
    ? [
        `${" ".repeat(indent)}${key}:`,
        ...Object.entries(wanted).map(([name, one]) => `${" ".repeat(indent + 2)}${name}: ${literal(one)}`),
      ].join(newline)
    : `${" ".repeat(indent)}${key}: ${value}`;
  if (text[end - 1] === "\n") return `${text.slice(0, end)}${line}${newline}${text.slice(end)}`;
  const lineEnd = text.indexOf(newline, end);
  if (lineEnd === -1) return `${text}${newline}${line}${newline}`;
  return `${text.slice(0, lineEnd)}${newline}${line}${text.slice(lineEnd)}`;
}

/** Undefined for what cannot be read: an alias whose anchor is gone, say. */
function dataOf(doc: ReturnType<typeof parseDocument>): string | undefined {
  if (doc.errors.length > 0) return undefined;
  try {
    return JSON.stringify(doc.toJS());
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

function startOf(pair: Pair): number | undefined {
  return isScalar(pair.key) ? pair.key.range?.[0] : undefined;
}

function endOf(pair: Pair): number | undefined {
  const value = pair.value as { range?: readonly number[] | null } | null;
  return value?.range?.[1] ?? (isScalar(pair.key) ? pair.key.range?.[1] : undefined);
}

/** Plain where YAML reads it back as the same text, also within braces; else in double quotes. */
function literal(value: TextValue): string {
  if (isRecord(value))
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${key}: ${literal(one)}`)
      .join(", ")} }`;
  if (Array.isArray(value)) return `[${value.map((one: string) => literal(one)).join(", ")}]`;
  if (typeof value === "number") return String(value);
  return /^[A-Za-z][A-Za-z0-9+/=. -]*$/.test(value as string) && !/^(true|false|null)$/i.test(value as string)
    ? (value as string)
    : JSON.stringify(value);
}

function isRecord(value: TextValue): value is Exclude<TextValue, string | number | readonly string[]> {
  return typeof value === "object" && !Array.isArray(value);
}
