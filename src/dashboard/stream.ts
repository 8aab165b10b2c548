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

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  get open(): number {
    return this.#open.size;
  }

  /**
   * A response that goes on until its reader leaves, is too slow, or may not look any more (`allowed`, asked every 3 s). `since`: the
   * last id that the reader got. Undefined when there are too many already.
   */
  start(kinds: ReadonlySet<NewsKind>, since: number | undefined, allowed: () => boolean): Response | undefined {
    if (this.#open.size >= mostStreams) return undefined;
    let leave = (): void => undefined;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const encoder = new TextEncoder();
          const close = (): void => {
            leave();
            controller.close();
          };
          const send = (text: string): void => {
            if (!this.#open.has(entry)) return;
            controller.enqueue(encoder.encode(text));
            if ((controller.desiredSize ?? 0) <= 0) close();
          };
          const entry = { allowed, close, beat: () => send("event: beat\ndata: {}\n\n") };
          this.#open.add(entry);
          let stop = (): void => undefined;
          leave = () => {
            stop();
            this.#open.delete(entry);
          };
          send("retry: 2000\n\n");
          entry.beat();
          stop = this.#desk.listen(since, (news) => {
            if (kinds.has(news.kind) || news.kind === "gap") send(eventOf(news));
          });
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

/** JSON has no line breaks of its own, so that no text can pass for another event. */
function eventOf({ id, kind, data }: News): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
