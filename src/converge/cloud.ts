import { exitCodes, OlympusError } from "../base/errors.ts";
import type { CloudState } from "./facts.ts";

/** Reads cloud-init's status.json; `undefined` where it has written none. */
export function parseCloud(text: string, running: boolean): CloudState | undefined {
  if (text.trim() === "") return running ? { state: "running", errors: [] } : undefined;
  const stages = Object.values((tryParse(text)?.v1 ?? {}) as Record<string, unknown>).filter(
    (one): one is Stage => typeof one === "object" && one !== null,
  );
  const errors = stages.flatMap((one) => one.errors ?? []);
  const light = stages.flatMap((one) => Object.values(one.recoverable_errors ?? {}).flat());
  if (running) return { state: "running", errors };
  if (errors.length > 0) return { state: "error", errors };
  return light.length > 0 ? { state: "degraded", errors: light } : { state: "done", errors: [] };
}

interface Stage {
  readonly errors?: readonly string[];
  /** By level. */
  readonly recoverable_errors?: Readonly<Record<string, readonly string[]>>;
}

function tryParse(text: string): { readonly v1?: unknown } | undefined {
  try {
    return JSON.parse(text) as { readonly v1?: unknown };
  } catch {
    return undefined; // It is being written.
  }
}

/** The first boot failed, or does not end: what a role would build on may not be there. */
export function cloudError(host: string, { state, errors }: CloudState, seconds: number): OlympusError {
  const what =
    state === "running" ? `has not ended within ${seconds} s` : `ended with errors:\n${errors.slice(0, 10).join("\n")}`;
  return new OlympusError(`${host}: cloud-init ${what}`, {
    code: "E-ROLE-CLOUD-INIT",
    exit: exitCodes.failed,
    where: host,
    hint: `Nothing was changed. npx olympus ssh ${host} -- sudo cat /var/log/cloud-init-output.log`,
  });
}
