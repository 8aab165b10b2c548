import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderForge } from "../../roles/agent/forge.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import type { Reporter } from "../base/report.ts";
import { systemClock } from "../harness/clock.ts";
import { github } from "../harness/forge/github.ts";
import { forgeSchema } from "../harness/forge-config.ts";
import { silentLog } from "../harness/log.ts";
import { openStore } from "../harness/store/open.ts";
import { type Leaving, leave } from "../harness/tasks/leave.ts";
import type { LoadedTeam } from "../team/model.ts";

/** For the forge's own waits there is no end; a person is not kept longer than this (ms). */
const patienceMs = 60_000;

/**
 * Gives free on the forge what an agent that leaves the team has claimed there, with its own token, and tells what came of it. Where the
 * forge does not take part the claims end by themselves. Gives how many there were. Throws only the signal's reason.
 */
export async function releaseClaims(
  team: LoadedTeam,
  secrets: SecretStore,
  agent: string,
  reporter: Pick<Reporter, "info" | "warn">,
  signal: AbortSignal,
  waitMs: number = patienceMs,
): Promise<number> {
  const machine = team.machines.find(({ name }) => name === agent);
  const rendered =
    machine && secrets.get(`agents.${agent}.github`) !== undefined ? renderForge(team, machine, secrets) : undefined;
  if (rendered === undefined) return 0;
  const settings = forgeSchema.parse(rendered.forge);
  const { "forge-token": token, "team-key": key } = rendered.secrets as Required<typeof rendered.secrets>;
  const limit = AbortSignal.timeout(waitMs);
  const both = AbortSignal.any([signal, limit]);
  const dir = await mkdtemp(join(tmpdir(), "olympus-leave-"));
  const store = openStore(dir, [token!, key!]);
  const clock = systemClock(1);
  let freed = 0;
  try {
    const forge = github({
      api: settings.api,
      token: token!,
      store,
      clock,
      log: silentLog,
      spaced: true,
      signal: both,
    });
    const parts = { forge, settings, key: key!, store, clock, log: silentLog };
    for (const { name } of settings.repositories) {
      const told: Leaving = {
        freed(number) {
          freed += 1;
          reporter.info(`${name}#${number} is free again`);
        },
        open: (number) => reporter.info(`${name}#${number}, a pull request of ${agent}, stays open for people`),
      };
      await within(both, () => leave(parts, name, both, told));
    }
  } catch (error) {
    signal.throwIfAborted();
    reporter.warn(
      `what ${agent} has claimed on the forge could not all be released (${messageOf(limit.aborted ? limit.reason : error)}): the other agents do that ${settings.leaseHours} hours after its last sign of life`,
    );
  } finally {
    store.close();
    await rm(dir, { recursive: true });
  }
  return freed;
}

/** Between the tries of a request no signal is heard: whoever waits for one goes on without it. */
function within<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", end));
  });
}
