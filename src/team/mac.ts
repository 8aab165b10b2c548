import { createHash } from "node:crypto";

/** A VM's network address in hardware form, `52:54:00:…`: the same for the same team and machine name, for ever. */
export function macOf(team: string, machine: string): string {
  const hash = createHash("sha256").update(`${team}/${machine}`).digest();
  return ["52", "54", "00", ...[...hash.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
