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
  #rounds = 0;

  /** Goes on until `signal`. `ask` asks every host side by side and tells of each as it answers. */
  async start(
    ask: (told: (status: HostStatus) => void) => Promise<unknown>,
    pause: () => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      await ask((status) => this.#told(status));
      this.#rounds += 1;
      await pause();
    }
  }

  listen(_since: number | undefined, tell: (news: readonly News[]) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  #told(status: HostStatus): void {
    this.hosts.set(status.name, { status, at: Date.now() });
    const news: News = { id: this.#rounds, kind: "state", data: { host: status.name, state: status.state } };
    for (const tell of [...this.#listeners]) tell([news]);
  }
}
