import { localHistory, readHistory } from "../converge/history.ts";
import { createHostRun } from "../converge/host-run.ts";
import { targetOf } from "../converge/target.ts";
import { connectSsh } from "../ssh/connect.ts";
import { listHosts } from "../team/hosts.ts";
import type { CommandContext } from "./context.ts";
import { formatSeconds, minuteOf } from "./seconds.ts";
import { table } from "./table.ts";
import { mustKnow } from "./usage.ts";

/** `role history`: what this computer did, or, for a host, what it remembers of everybody's runs. */
export async function showHistory(
  context: CommandContext,
  { host, lines }: { readonly host?: string; readonly lines: number },
): Promise<undefined> {
  const team = await context.loadTeam();
  if (host !== undefined) return showHost(context, team, host, lines);
  const records = localHistory(team.name).slice(-lines).reverse();
  const rows = records.map(({ at, what, who, ms, exit, hosts }) => {
    const failed = hosts.filter(({ state }) => state === "failed" || state === "left").map((one) => one.host);
    const changed = hosts.reduce((sum, one) => sum + one.changed, 0);
    const names = hosts.length > 3 ? `${hosts.length} hosts` : hosts.map((one) => one.host).join(", ");
    const outcome = failed.length > 0 ? `failed: ${failed.join(", ")}` : "";
    return [minuteOf(Date.parse(at)), what, names, `${changed}`, formatSeconds(ms), `${exit}`, who, outcome];
  });
  const head = ["when", "what", "on", "changed", "took", "exit", "by", ""];
  const text = rows.length === 0 ? "Nothing was done from this computer yet." : table(head, rows, [3]);
  context.reporter.result(text, { type: "role-history", runs: records });
  return undefined;
}

async function showHost(
  { reporter, signal }: CommandContext,
  team: Awaited<ReturnType<CommandContext["loadTeam"]>>,
  name: string,
  lines: number,
): Promise<undefined> {
  const hosts = listHosts(team);
  mustKnow(
    "host",
    name,
    hosts.map((one) => one.name),
  );
  const { openSecrets } = await import("../../secrets/store.ts");
  const secrets = await openSecrets(team);
  const target = targetOf(hosts.find((one) => one.name === name)!, team, secrets);
  const run = createHostRun({
    host: name,
    connect: (stop) => connectSsh(target, stop),
    who: "",
    what: "role history",
    signal,
    onStep: () => undefined,
    password: secrets.get(`sudo.${name}`),
  });
  try {
    const records = readHistory(await run.readHistory())
      .slice(-lines)
      .reverse();
    const rows = records.map(({ since, what, who, changes, end }) => {
      const outcome = end === undefined ? "cut off" : end.code === 0 ? "" : `failed at: ${end.step}`;
      const took = end === undefined ? "" : `${end.ended - since} s`;
      return [minuteOf(since * 1000), what, `${changes}`, took, who, outcome];
    });
    const head = ["when", "what", "steps", "took", "by", ""];
    const text = rows.length === 0 ? `${name} remembers no run.` : table(head, rows, [2]);
    reporter.result(text, { type: "role-history", host: name, runs: records });
  } finally {
    run.close();
  }
  return undefined;
}
