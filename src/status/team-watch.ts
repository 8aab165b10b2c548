import type { Desk, News } from "../dashboard/news.ts";
import type { HostStatus } from "./status.ts";

export interface Seen {
  readonly status: HostStatus;
  /** When it answered, or did not, ms. */
  readonly at: number;
}

/** Asks a team again and again, and keeps what each host said last: whoever looks waits for nobody. */
export class TeamWatch implements Desk {
  readonly hosts = new Map<string, Seen>();
  readonly #listeners = new Set<(news: readonly News[]) => void>();
  #answers = 0;

  /**
   * Goes on until `signal`, each of `names` for itself: one that is slow or dead keeps no other from being asked again. `ask` tells of it
   * when it answered. Rejects with what keeps one from being asked at all.
   */
  async start(
    names: readonly string[],
    ask: (name: string, told: (status: HostStatus) => void) => Promise<unknown>,
    pause: () => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    let wrong = false;
    const again = async (name: string): Promise<void> => {
      while (!signal.aborted && !wrong) {
        await ask(name, (status) => this.#told(status));
        await pause();
      }
    };
    try {
      await Promise.all(names.map(again));
    } finally {
      wrong = true;
    }
  }

  listen(_since: number | undefined, tell: (news: readonly News[]) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  #told(status: HostStatus): void {
    this.hosts.set(status.name, { status, at: Date.now() });
    const news: News = { id: ++this.#answers, kind: "state", data: { host: status.name, state: status.state } };
    for (const tell of [...this.#listeners]) tell([news]);
  }
}
