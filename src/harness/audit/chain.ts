import { createHash } from "node:crypto";

/** One row of the log as it is stored: `entry` is canonical JSON with the row's own number in it. */
export interface Link {
  readonly seq: number;
  readonly entry: string;
  /** Hexadecimal; of this entry and all before it. */
  readonly hash: string;
}

/** What was told to others about the log: up to entry `seq` it had this hash. */
export interface Head {
  /** `2026-11-21`, in UTC. */
  readonly day: string;
  readonly seq: number;
  readonly hash: string;
}

/** What is wrong with a log: with which entry, and what. */
export interface Break {
  readonly seq: number;
  readonly what: string;
}

/** What the first entry follows. */
export const beginning = "0".repeat(64);

export function linkHash(previous: string, entry: string): string {
  return createHash("sha256").update(`${previous}\n${entry}`).digest("hex");
}

/**
 * Goes through a log link by link, in order; what is wrong stays known. A changed entry or hash is named by its number; which of both it
 * was shows in the entry after it.
 */
export class Verifier {
  readonly breaks: Break[] = [];
  readonly #heads: Map<number, Head[]>;
  #seq = 0;
  #previous = beginning;
  /** Where an entry and its hash did not fit, the hash that fits: the next entry tells which was changed. */
  #other: { hash: string; at: number } | undefined;

  /** `heads`: what others were told; the log has to agree with each. */
  constructor(heads: readonly Head[] = []) {
    this.#heads = Map.groupBy(heads, ({ seq }) => seq);
  }

  add(link: Link): void {
    const expected = this.#seq + 1;
    if (link.seq !== expected) {
      this.#break(
        expected,
        link.seq > expected ? `missing: entry ${link.seq} follows` : `entry ${link.seq} stands here`,
      );
    }
    if (numberIn(link.entry) !== link.seq) this.#break(link.seq, "the entry has another number in it");
    const computed = linkHash(this.#previous, link.entry);
    const overOther = this.#other === undefined ? undefined : linkHash(this.#other.hash, link.entry);
    if (overOther !== undefined && overOther === link.hash) {
      // This entry was made over the stored hash: it is the entry before that was changed.
      this.#name(this.#other!.at, "the entry was changed");
      this.#other = undefined;
    } else if (computed === link.hash) {
      if (this.#other !== undefined) this.#name(this.#other.at, "its hash was changed");
      this.#other = undefined;
    } else {
      this.#break(link.seq, "entry and hash do not fit");
      this.#other = { hash: link.hash, at: link.seq };
    }
    for (const head of this.#heads.get(link.seq) ?? [])
      if (head.hash !== link.hash) this.#break(link.seq, `the head told on ${head.day} was another`);
    this.#heads.delete(link.seq);
    this.#seq = link.seq;
    this.#previous = this.#other === undefined ? link.hash : computed;
  }

  /** After the last link: heads of entries that are not there any more. Gives how many entries there were, and the last hash. */
  end(): { entries: number; head: string } {
    for (const heads of this.#heads.values())
      for (const { day, seq } of heads)
        this.#break(seq, `missing: its head was told on ${day}, the log ends with entry ${this.#seq}`);
    return { entries: this.#seq, head: this.#previous };
  }

  #break(seq: number, what: string): void {
    this.breaks.push({ seq, what });
  }

  #name(seq: number, what: string): void {
    const at = this.breaks.findLastIndex((one) => one.seq === seq && one.what === "entry and hash do not fit");
    if (at >= 0) this.breaks[at] = { seq, what };
  }
}

function numberIn(entry: string): number | undefined {
  try {
    const { seq } = JSON.parse(entry) as { seq?: unknown };
    return typeof seq === "number" ? seq : undefined;
  } catch {
    // Not JSON any more: it was changed, which the hash tells as well.
    return undefined;
  }
}
