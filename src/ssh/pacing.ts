import { setTimeout as wait } from "node:timers/promises";
import type { SshTarget } from "./connection.ts";
import { wasDropped } from "./errors.ts";
import { createQueue } from "./queue.ts";

/** Stock sshd drops logins at random from the eleventh that is on its way (`MaxStartups 10:30:100`); two stay free for people. */
const maxLogins = 8;
const maxTries = 3;
const servers = new Map<string, ReturnType<typeof createQueue>>();

/**
 * Runs a login, with no more than eight on their way to one server; one is on its way until `over`, which nobody waits for here.
 * One that a busy server dropped before its greeting is tried again, after a while that is another for each, so that those dropped
 * together do not come back together.
 */
export async function paced<T>(
  target: SshTarget,
  signal: AbortSignal | undefined,
  login: () => Promise<T>,
  over: (loggedIn: T) => Promise<void>,
): Promise<T> {
  const place = `${target.address}:${target.port}`;
  const queue = servers.get(place) ?? createQueue(maxLogins);
  servers.set(place, queue);
  for (let tries = 1; ; tries += 1) {
    try {
      return await new Promise<T>((resolve, reject) => {
        queue(async () => {
          const loggedIn = await login();
          resolve(loggedIn);
          await over(loggedIn);
        }).catch(reject);
      });
    } catch (error) {
      if (tries === maxTries || !wasDropped(error)) throw error;
      await wait(tries * 150 + Math.random() * 300, undefined, signal === undefined ? {} : { signal });
    }
  }
}
