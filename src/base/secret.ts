import { inspect } from "node:util";
import { formsOf } from "./secret-forms.ts";

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

/** Characters of the longest form that any of the secrets may be written in: what is cut shorter than that may hide a part of one. */
export function longestForm(secrets: readonly Secret[]): number {
  return Math.max(0, ...secrets.map((secret) => formsOf(secret.reveal())[0]!.length));
}

/**
 * Replaces each secret's value, however it is encoded, by its name, and each longer line of a value of several, for what shows only some
 * of them. Values under 6 characters are left: masking them would mangle text.
 */
export function maskSecrets(text: string, secrets: readonly Secret[]): string {
  let masked = text;
  for (const secret of secrets) {
    const plain = secret.reveal();
    if (plain.trim().length < 6) continue;
    for (const form of formsOf(plain)) {
      if (form.length <= masked.length) masked = masked.replaceAll(form, secret.toString());
    }
  }
  return masked;
}
