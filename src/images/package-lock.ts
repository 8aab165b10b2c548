import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** `name` → `version` of every package in an image. */
export type PackageLock = ReadonlyMap<string, string>;

/** One package a line, `name version`, sorted; what `dpkg-query` prints. */
export function parsePackageLock(text: string): PackageLock {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => line.trim().split(/\s+/) as [string, string]));
}

/** The recipe's lock, or undefined for a recipe without one. */
export function readPackageLock(recipe: string): PackageLock | undefined {
  const file = join(recipe, "packages.lock");
  return existsSync(file) ? parsePackageLock(readFileSync(file, "utf8")) : undefined;
}

/**
 * APT preferences that choose the locked version wherever the archive still has it. An archive keeps only newer versions
 * after an update; then the newest is taken and the difference is recorded.
 */
export function aptPins(lock: PackageLock): string {
  return [...lock]
    .map(([name, version]) => `Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`)
    .join("\n");
}

/** What differs between the lock and what was built, for people: `openssh-server 1:9.2p1-2 → 1:9.2p1-3`. */
export function lockDifferences(lock: PackageLock, built: PackageLock): string[] {
  const names = [...new Set([...lock.keys(), ...built.keys()])].sort();
  return names
    .filter((name) => lock.get(name) !== built.get(name))
    .map((name) => `${name} ${lock.get(name) ?? "(none)"} → ${built.get(name) ?? "(none)"}`);
}
