import { randomBytes, randomInt } from "node:crypto";

/** 256 random bits, safe in addresses and headers. */
export function generateToken(): string {
  return randomBytes(32).toString("base64url");
}

const letters = { lower: "abcdefghijkmnopqrstuvwxyz", upper: "ABCDEFGHJKLMNPQRSTUVWXYZ", digit: "23456789" };

/** 24 letters and digits with at least one of each kind (some servers insist), none that look alike, safe in any quoting. */
export function generatePassword(): string {
  const pick = (from: string): string => from[randomInt(from.length)]!;
  for (;;) {
    const password = Array.from({ length: 24 }, () => pick(letters.lower + letters.upper + letters.digit)).join("");
    if (/[a-z]/.test(password) && /[A-Z]/.test(password) && /[0-9]/.test(password)) return password;
  }
}
