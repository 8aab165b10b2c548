import type { Desk, News, NewsKind } from "./news.ts";

/** Streams at once; who comes past it is told to come later. */
const mostStreams = 220;
/** Bytes that may wait for a slow reader before it is cut off: it comes back and is told what it missed. */
const mostWaiting = 64 * 1024;
const checkMs = 3000;
/** A beat every so many checks, so that silence means something. */
const beatEvery = 3;

/** Server-sent events to all who look on, from one desk. */
export class Streams {
  readonly #desk: Desk;
  readonly #open = new Set<{ allowed: () => boolean; beat: () => void; close: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  #checks = 0;
  #closed = false;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  get open(): number {
    return this.#open.size;
  }

  /** All are closed, for good. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * A response that goes on until its reader leaves, is too slow (then `cut` ends its connection), or may not look any more (`allowed`,
   * asked every 3 s). `since`: the last id that the reader got. Undefined when there are too many already, or all were closed.
   */
  start(
    kinds: ReadonlySet<NewsKind>,
    since: number | undefined,
    allowed: () => boolean,
    cut: () => void = () => undefined,
  ): Response | undefined {
    if (this.#closed || this.#open.size >= mostStreams) return undefined;
    let leave = (): void => undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const close = (): void => {
            leave();
            controller.close();
          };
          const send = (chunk: Uint8Array): void => {
            if (chunk.length === 0 || !this.#open.has(entry)) return;
            // Looked at before: what was missed may be more than that at once, and is told whole.
            const keepsUp = (controller.desiredSize ?? 0) > 0;
            if (keepsUp) controller.enqueue(chunk);
            else {
              close();
              cut();
            }
          };
          const entry = { allowed, close, beat: () => send(beat) };
          this.#open.add(entry);
          let stop = (): void => undefined;
          leave = () => {
            stop();
            this.#open.delete(entry);
          };
          send(retry);
          entry.beat();
          stop = this.#desk.listen(since, (news) => send(chunkOf(news, kinds)));
          if (!this.#open.has(entry)) stop();
          this.#timer ??= setInterval(() => this.#check(), checkMs).unref();
        },
        cancel: () => leave(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: mostWaiting }),
    );
    return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  }

  closeAll(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const entry of [...this.#open]) entry.close();
  }

  #check(): void {
    const beats = ++this.#checks % beatEvery === 0;
    for (const entry of [...this.#open]) {
      if (!entry.allowed()) entry.close();
      else if (beats) entry.beat();
    }
  }
}

const encoder = new TextEncoder();
const retry = encoder.encode("retry: 2000\n\n");
const beat = encoder.encode("event: beat\ndata: {}\n\n");
const chunks = new WeakMap<readonly News[], Map<string, Uint8Array>>();

/** What came together goes out together, and is written down once for all who look on at the same kinds: a mention waits for none of them. */
function chunkOf(news: readonly News[], kinds: ReadonlySet<NewsKind>): Uint8Array {
  const known = chunks.get(news) ?? new Map<string, Uint8Array>();
  chunks.set(news, known);
  const key = [...kinds].join();
  const wanted = () => news.filter(({ kind }) => kinds.has(kind) || kind === "gap");
  const chunk = known.get(key) ?? encoder.encode(wanted().map(eventOf).join(""));
  known.set(key, chunk);
  return chunk;
}

/** JSON has no line breaks of its own, so that no text can pass for another event. */
function eventOf({ id, kind, data }: News): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
