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

/** Replaces each secret's value, also base64-, URL- and JSON-encoded, by its name. Values under 6 characters are left: masking them would mangle text. */
export function maskSecrets(text: string, secrets: readonly Secret[]): string {
  let masked = text;
  for (const secret of secrets) {
    const value = secret.reveal();
    if (value.length < 6) continue;
    const forms = new Set([
      value,
      Buffer.from(value).toString("base64"),
      Buffer.from(value).toString("base64url"),
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
    ]);
    for (const form of forms) masked = masked.replaceAll(form, secret.toString());
  }
  return masked;
}
