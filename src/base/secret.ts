import { inspect } from "node:util";

/** A value that must not be seen: printing, logging or serialising it shows only its name. */
export class Secret {
  readonly name: string;
  readonly #value: string;

  constructor(name: string, value: string) {
    this.name = name;
    this.#value = value;
  }

  /** The plain value. Call it only where the value leaves for its destination: stdin of a command, or a 0600 file. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return `[secret:${this.name}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Lines of a value of several lines (a private key) that are long enough to be nobody else's. */
const ownLines = (value: string): string[] =>
  value.includes("\n") ? value.split("\n").filter((line) => line.length >= 20 && !line.startsWith("-----")) : [];

/**
 * Replaces each secret's value, also base64-, URL- and JSON-encoded, by its name, and each longer line of a value of several,
 * for what shows only some of them. Values under 6 characters are left: masking them would mangle text.
 */
export function maskSecrets(text: string, secrets: readonly Secret[]): string {
  let masked = text;
  for (const secret of secrets) {
    const plain = secret.reveal();
    if (plain.trim().length < 6) continue;
    const forms = new Set(
      [plain, plain.trim(), ...ownLines(plain)].flatMap((value) => [
        value,
        Buffer.from(value).toString("base64"),
        Buffer.from(value).toString("base64url"),
        encodeURIComponent(value),
        new URLSearchParams({ value }).toString().slice("value=".length),
        JSON.stringify(value).slice(1, -1),
      ]),
    );
    // The longest first: a shorter one may be a part of it.
    for (const form of [...forms].sort((a, b) => b.length - a.length))
      masked = masked.replaceAll(form, secret.toString());
  }
  return masked;
}
