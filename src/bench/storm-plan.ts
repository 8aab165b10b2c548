/** What happens in a storm of mentions, as far as it is drawn by chance: by its seed, and so the same each time. */
export interface StormSize {
  readonly mentions: number;
  /** How often each of these happens while the mentions are written. */
  readonly cuts: number;
  readonly kills: number;
  readonly restarts: number;
  /** Mentions that are written while the agent is down for long. */
  readonly whileDown: number;
}

export type Fault = "cut" | "kill" | "restart" | "down" | "up";

export interface PlannedMention {
  readonly person: number;
  /** Of the channels; undefined: a direct message. */
  readonly channel: number | undefined;
  /** In the thread that this mention began, where it is not one of its own. */
  readonly thread: number | undefined;
  /** Milliseconds before it is written. */
  readonly pause: number;
  /** What happens right before it. */
  readonly faults: readonly Fault[];
}

export const people = 5;
export const channels = 12;
const directShare = 0.15;
const threadShare = 0.5;
const longestPause = 120;

export function stormPlan(seed: number, size: StormSize): PlannedMention[] {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const faults = Array.from({ length: size.mentions }, (): Fault[] => []);
  const down = below(Math.max(1, size.mentions - size.whileDown));
  const up = Math.min(size.mentions - 1, down + size.whileDown);
  faults[down]!.push("down");
  faults[up]!.push("up");
  // Somewhere else than while the agent is down: there it would be no fault.
  const draw = () => {
    for (;;) {
      const at = below(size.mentions);
      if (at < down || at > up) return at;
    }
  };
  for (const [fault, count] of [
    ["cut", size.cuts],
    ["kill", size.kills],
    ["restart", size.restarts],
  ] as const)
    for (let n = 0; n < count; n++) faults[draw()]!.push(fault);
  const begun = new Map<string, number[]>();
  return faults.map((before, index) => {
    const person = below(people);
    const channel = random() < directShare ? undefined : below(channels);
    const place = channel === undefined ? `direct ${person}` : `${channel}`;
    const threads = begun.get(place) ?? [];
    const thread = threads.length > 0 && random() < threadShare ? threads[below(threads.length)] : undefined;
    if (thread === undefined) begun.set(place, [...threads, index]);
    return { person, channel, thread, pause: below(longestPause), faults: before };
  });
}

/** Numbers from 0 to 1 (mulberry32): few lines, and good enough to draw a plan. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
