import type { SecretStore } from "../../secrets/store.ts";

/** What a process that was killed cannot do any more. */
export class Killed extends Error {}

/** Something that reaches out of the process: it may be killed right before and right after. */
export type Effect = <T>(work: () => Promise<T>) => Promise<T>;

/** Effects of a process that is killed at the `at`-th chance; from then on nothing it does takes place. */
function dying(at: number): { effect: Effect; killed(): boolean } {
  let chances = 0;
  const chance = (): void => {
    chances += 1;
    if (chances > at) throw new Killed(`killed at ${at}`);
  };
  return {
    async effect(work) {
      chance();
      const result = await work();
      chance();
      return result;
    },
    killed: () => chances > at,
  };
}

/**
 * Runs `run` on a fresh world over and over, killed one chance later each time, until it gets through; `after` looks at each world that
 * a killed run left. Gives how often it was killed.
 */
export async function killedEverywhere<World>(
  fresh: () => Promise<World>,
  run: (world: World, effect: Effect) => Promise<void>,
  after: (world: World) => Promise<void>,
): Promise<number> {
  for (let at = 0; ; at += 1) {
    const world = await fresh();
    const { effect, killed } = dying(at);
    try {
      await run(world, effect);
    } catch (error) {
      // Whatever the error has become on its way up.
      if (!killed()) throw error;
    }
    await after(world);
    if (!killed()) return at;
  }
}

/** The same store, whose saving is an effect. */
export function dyingStore(store: SecretStore, effect: Effect): SecretStore {
  return { ...store, save: () => effect(() => store.save()) };
}
