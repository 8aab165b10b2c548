import { log, ResourceHook, RunError } from "@pulumi/pulumi";
import { asOlympusError, messageOf, OlympusError } from "../src/base/errors.ts";
import { shutDown } from "../src/libvirt/domain.ts";
import { watchBoot } from "../src/machines/boot-watch.ts";
import { consoleFile, lastConsoleLines, recordConsole } from "../src/machines/console.ts";
import { errorText } from "../src/machines/error-text.ts";
import { probe } from "../src/machines/readiness.ts";
import type { MachineSpec } from "../src/machines/spec.ts";
import { tell } from "../src/machines/told.ts";
import type { SshConnection, SshTarget } from "../src/ssh/connection.ts";

export interface HookContext {
  readonly team: string;
  readonly connection: SshConnection;
  readonly target: SshTarget;
  readonly spec: MachineSpec;
  /** Takes errors: what a hook throws after a creation is only a warning to Pulumi, so the program ends with them itself. */
  readonly failures: OlympusError[];
}

/** Lines that `olympus up` reads from Pulumi's event stream: `[olympus] athena: booting`. */
const say = (machine: string, text: string): void => void log.info(`[olympus] ${machine}: ${text}`);

/** After a domain is started: waits until its machine is really ready, or explains why it is not. */
export function readyHook({ team, connection, target, spec, failures }: HookContext): ResourceHook {
  const { machine, names, generation, seed } = spec;
  return new ResourceHook(`${machine.name}-ready`, async () => {
    const recording = new AbortController();
    const file = consoleFile(team, machine.name);
    // The recording ends with the probe, or with the domain; neither is an error.
    const recorded = recordConsole(connection, names.domain, file, recording.signal).catch((error: unknown) => {
      if (!recording.signal.aborted) say(machine.name, `its console cannot be recorded: ${messageOf(error)}`);
    });
    const started = Date.now();
    const onProgress = (what: string): void => say(machine.name, what);
    const watching = watchBoot({ connection, domain: names.domain, file, onProgress, signal: recording.signal }).catch(
      (error: unknown) => {
        if (!recording.signal.aborted) say(machine.name, `its boot is not watched any more: ${messageOf(error)}`);
      },
    );
    try {
      await probe({ target, expected: { generation, seed: seed.hash }, onProgress });
      say(machine.name, `ready after ${Math.round((Date.now() - started) / 1000)} s`);
    } catch (thrown) {
      // What nobody foresaw too: thrown alone it would be a warning, and the run would end well.
      const error = asOlympusError(thrown);
      const lines = lastConsoleLines(file);
      const seen = lines.length === 0 ? "its console showed nothing" : `last on its console:\n  ${lines.join("\n  ")}`;
      const whole = new OlympusError(`${error.message}\n${seen}`, {
        code: error.code,
        exit: error.exit,
        where: `${target.name} on ${connection.target.name}`,
        hint: [...(error.hint === undefined ? [] : [error.hint]), `console: ${file}`].join("\n"),
        cause: thrown,
      });
      tell(whole);
      failures.push(whole);
      throw new Error(errorText(whole));
    } finally {
      recording.abort();
      await Promise.all([recorded, watching]);
    }
  });
}

/** Before a domain is deleted, which the provider does by cutting its power: an orderly shutdown, within a bound. */
export function shutDownHook({ connection, spec }: HookContext): ResourceHook {
  const { machine, names } = spec;
  return new ResourceHook(`${machine.name}-shut-down`, async () => {
    say(machine.name, "shutting down");
    say(machine.name, `shut down: ${await shutDown(connection, names.domain)}`);
  });
}

/** Ends a stack's program with what its hooks could not end it with. */
export function endWith(failures: readonly OlympusError[]): void {
  if (failures.length > 0) throw new RunError(failures.map(errorText).join("\n"));
}
