/** What a canonical text can hold. A field that is undefined is left out. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain | undefined };

/** JSON with sorted keys and nothing between: the same value is the same text, and so the same hash, wherever it is made. */
export function canonicalJson(value: Plain): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields = Object.entries(value)
    .filter((field): field is [string, Plain] => field[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${fields.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one)}`).join(",")}}`;
}

/** The same value with each text in it, keys too, changed by `change`. */
export function mapTexts(value: Plain, change: (text: string) => string): Plain {
  if (typeof value === "string") return change(value);
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((one) => mapTexts(one, change));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [change(key), one === undefined ? undefined : mapTexts(one, change)]),
  );
}

// Array.isArray does not tell read-only arrays from objects.
function isList(value: object): value is readonly Plain[] {
  return Array.isArray(value);
}
