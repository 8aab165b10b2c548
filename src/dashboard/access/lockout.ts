import { isIPv6 } from "node:net";

/** Wrong tokens from one address before it has to wait, and how long, ms: doubled with each more, up to the longest. */
const mostFailures = 8;
const firstWaitMs = 10_000;
const longestWaitMs = 15 * 60_000;
/** Wrong ones are forgotten when none came for so long, ms; not when a right one comes: who has one that may only read could guess on. */
const forgottenMs = 3600_000;
/** Addresses that are remembered. */
const mostAddresses = 1000;

/** Keeps those who guess from guessing fast. Who is signed in already is never kept out. */
export class Lockout {
  readonly #failures = new Map<string, { count: number; at: number; until: number }>();

  /** For how long (ms) an address has to wait; 0 when it need not. */
  waits(address: string, now: number): number {
    return Math.max(0, (this.#failures.get(networkOf(address))?.until ?? 0) - now);
  }

  failed(address: string, now: number): void {
    const network = networkOf(address);
    const before = this.#failures.get(network);
    const count = before === undefined || now - before.at > forgottenMs ? 1 : before.count + 1;
    // Put at the end: the oldest is forgotten first.
    this.#failures.delete(network);
    if (this.#failures.size >= mostAddresses) this.#failures.delete(this.#failures.keys().next().value!);
    const wait = count < mostFailures ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (count - mostFailures));
    this.#failures.set(network, { count, at: now, until: now + wait });
  }
}

/** What counts as one address: IPv4 however it is written (`::ffff:10.0.0.1` too), and of IPv6 the /64 that one machine has. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.toLowerCase().split("%")[0]!.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0"), ...after];
  // The mapped form can also be written in hexadecimal: ::ffff:a00:1.
  if (groups.slice(0, 5).every((group) => Number.parseInt(group, 16) === 0) && groups[5] === "ffff") {
    const bytes = groups
      .slice(6, 8)
      .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
    return bytes.join(".");
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
