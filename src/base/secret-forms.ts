import { quote } from "./quote.ts";

/** Widths at which `base64` and PEM break their lines, as bytes of what is encoded. */
const lineBytes = [57, 48];

/** By value: a diff is masked line by line, and a private key has sixty forms. */
const known = new Map<string, readonly string[]>();

/**
 * Every way in which a program may show a value: as it is, each longer line of several, quoted for a shell, escaped in JSON, encoded for
 * an address, in base64 alone or within something longer, in hexadecimal, backwards. The longest first, since a shorter one may be a part of it.
 */
export function formsOf(value: string): readonly string[] {
  const forms = known.get(value) ?? allForms(value);
  known.set(value, forms);
  return forms;
}

function allForms(value: string): string[] {
  const trimmed = value.trim();
  const forms = [value, trimmed, ...ownLines(value)].flatMap((text) => [
    text,
    quote(text),
    ...jsonForms(text),
    ...addressForms(text),
    ...base64Forms(Buffer.from(text)),
    ...hexForms(Buffer.from(text)),
    [...text].reverse().join(""),
  ]);
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

/** Lines of a value of several lines (a private key) that are long enough to be nobody else's. */
function ownLines(value: string): string[] {
  if (!value.includes("\n")) return [];
  return value.split("\n").filter((line) => line.length >= 20 && !line.startsWith("-----"));
}

/** As JavaScript writes it, as Go does (for the sake of HTML), and as Python does (nothing but ASCII). */
function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const code = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return [plain, plain.replaceAll(/[<>&\u2028\u2029]/g, code), plain.replaceAll(/[^\0-\x7f]/g, code)];
}

/** As browsers, forms, and strict programs encode it; hexadecimal digits may be small. */
function addressForms(text: string): string[] {
  // Half a pair is no text that an address could hold.
  const browser = encodeURIComponent(text.toWellFormed());
  const strict = browser.replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ value: text }).toString().slice("value=".length);
  return [browser, strict, form].flatMap((one) => [one, one.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

/** Alone, within something longer (`user:password`) at any of the three places that a byte may have, and line by line. */
function base64Forms(bytes: Buffer): string[] {
  const within = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    // Only characters whose six bits are all the value's own.
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const lines = lineBytes.flatMap((width) =>
    Array.from({ length: Math.floor(bytes.length / width) }, (_, at) =>
      bytes.subarray(at * width, (at + 1) * width).toString("base64"),
    ),
  );
  return [bytes.toString("base64"), ...within, ...lines].flatMap((one) => [
    one,
    one.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
  ]);
}

/** In both cases, whole and in lines as `xxd -p` breaks them. */
function hexForms(bytes: Buffer): string[] {
  const hex = bytes.toString("hex");
  return [hex, ...(hex.match(/.{60}/g) ?? [])].flatMap((one) => [one, one.toUpperCase()]);
}
