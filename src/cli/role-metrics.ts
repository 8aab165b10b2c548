import { renameSync, rmSync, writeFileSync } from "node:fs";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import { type LocalRecord, leftAsWished } from "../converge/history.ts";

/**
 * Figures of the last command for Prometheus's textfile collector: drift, exit code, duration, and when each host was last seen as
 * wished, from the history. Pure; `records` oldest first, the newest being the command's own.
 */
export function roleMetrics(team: string, records: readonly LocalRecord[]): string {
  const last = records.at(-1);
  if (last === undefined) return "";
  const seconds = (at: string): number => Math.floor(Date.parse(at) / 1000);
  const labels = (host: string): string => `{team="${team}",host="${host}"}`;
  const gauge = (name: string, help: string, rows: readonly (readonly [string, number])[]): string[] => [
    `# HELP olympus_role_${name} ${help}`,
    `# TYPE olympus_role_${name} gauge`,
    ...rows.map(([label, value]) => `olympus_role_${name}${label} ${value}`),
  ];
  const hosts = [...new Set(records.flatMap((record) => record.hosts.map(({ host }) => host)))];
  const success = hosts.flatMap((host): [string, number][] => {
    const good = records.findLast((record) =>
      record.hosts.some((one) => one.host === host && leftAsWished(record, one.state)),
    );
    return good === undefined ? [] : [[labels(host), seconds(good.at)]];
  });
  return [
    ...gauge(
      "drift_operations",
      "Changes that a setup would make.",
      last.hosts.filter(({ state }) => state !== "failed").map(({ host, pending }) => [labels(host), pending]),
    ),
    ...gauge(
      "failed",
      "1 when the host could not be looked at or set up.",
      last.hosts.map(({ host, state }) => [labels(host), state === "failed" ? 1 : 0]),
    ),
    ...gauge("last_success_timestamp_seconds", "When the host was last as wished.", success),
    ...gauge("last_run_timestamp_seconds", "When the last command began.", [[`{team="${team}"}`, seconds(last.at)]]),
    ...gauge("last_exit_code", "Exit code of the last command.", [[`{team="${team}"}`, last.exit]]),
    ...gauge("duration_seconds", "How long the last command took.", [[`{team="${team}"}`, last.ms / 1000]]),
    "",
  ].join("\n");
}

/** Replaces the file by rename: a collector never reads half of it. Throws E-ROLE-METRICS. */
export function writeMetrics(file: string, text: string): void {
  const next = `${file}.${process.pid}`;
  try {
    writeFileSync(next, text, { mode: 0o644 });
    renameSync(next, file);
  } catch (error) {
    try {
      rmSync(next, { force: true });
    } catch {
      // Where nothing can be looked for, nothing was made.
    }
    throw new OlympusError(`The metrics cannot be written: ${messageOf(error)}`, {
      code: "E-ROLE-METRICS",
      exit: exitCodes.usage,
      where: file,
      cause: error,
    });
  }
}
