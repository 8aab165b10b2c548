import { exitCodes } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";

interface Options {
  readonly all?: boolean;
  readonly watch?: boolean;
}

/** Between two rounds of `--watch`, ms. */
const everyMs = 5_000;

export const command: CliCommand = {
  register(program, run) {
    program
      .command("status")
      .argument("[host...]", "only these, also when they are fine")
      .option("--all", "also those that are fine")
      .option("-w, --watch", "ask again and again, until Ctrl-C")
      .description("ask every host how it is; what needs you comes first")
      .addHelpText("before", "  npx olympus status\n  npx olympus status athena\n  npx olympus status --all --watch\n")
      .action(run((context: CommandContext, names: string[], options: Options) => status(context, names, options)));
  },
};

async function status(
  { reporter, loadTeam, signal, endsByInterruption, options: { json } }: CommandContext,
  names: readonly string[],
  { all = names.length > 0, watch = false }: Options,
): Promise<number> {
  const [{ teamStatus }, { statusLines, worstFirst }, { openSecrets }, { statusTables }, { listHosts }] =
    await Promise.all([
      import("../status/status.ts"),
      import("../status/lines.ts"),
      import("../../secrets/store.ts"),
      import("./status-tables.ts"),
      import("../team/hosts.ts"),
    ]);
  const team = await loadTeam();
  const secrets = await openSecrets(team);
  if (watch) endsByInterruption();
  if (watch && !json && process.stdout.isTTY === true && process.env.TERM !== "dumb") {
    const { watchStatus } = await import("./status-watch.ts");
    const notes = async () => {
      const { lines, rehearsal } = await aboutLab(team);
      return [...lines, ...rehearsal];
    };
    await watchStatus(team, secrets, names, { notes, everyMs, signal });
  }
  // Where nobody looks on, one round stands below the other.
  for (;;) {
    const started = performance.now();
    const hosts = await teamStatus(team, secrets, signal, names);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const { lines, rehearsal, down } = await aboutLab(team);
    const now = Date.now();
    const at = watch ? [`${new Date(now).toISOString().slice(11, 19)} UTC, every ${everyMs / 1000} s`] : [];
    const seen = new Map(hosts.map((status) => [status.name, { status, at: now }]));
    const known = listHosts(team).filter(({ name }) => seen.has(name));
    const tables = all || watch ? statusTables(known, seen, now) : [];
    const told = statusLines(hosts, `Asked in ${seconds} s.`);
    reporter.result([...at, ...lines, ...told, ...tables, ...rehearsal].join("\n"), {
      type: "status",
      hosts: worstFirst(hosts),
      ...(down ? { lab: "down" } : {}),
    });
    if (!watch) {
      if (hosts.some(({ state }) => state === "unreachable")) return exitCodes.unreachable;
      return hosts.some(({ state }) => state === "broken") ? exitCodes.failed : exitCodes.done;
    }
    const { setTimeout: wait } = await import("node:timers/promises");
    await wait(everyMs, undefined, { signal });
  }
}

/** What is to be known of the lab where the team file is the lab's, and that the model is played. */
async function aboutLab(team: LoadedTeam): Promise<{ lines: string[]; rehearsal: string[]; down: boolean }> {
  const [{ commandsAtWork, labStatus }, { describeHolder }] = await Promise.all([
    import("../lab/index.ts"),
    import("../base/lock.ts"),
  ]);
  const lab = await labStatus();
  const played = team.team.defaults.models[0]?.provider === "rehearsal";
  const rehearsal = played ? ["The model is a rehearsal: docs/how-to/real-model.md."] : [];
  // After a restart of this computer, say: the team file is the lab's, and nothing of it runs.
  const down = lab.team === team.file && !lab.up;
  const atWork = lab.team === team.file ? await commandsAtWork() : [];
  const making = atWork.map(
    (holder) => `At work here: ${describeHolder(holder)}. What it is still to make does not answer yet.`,
  );
  const toDo = down ? [`The lab of this team is not ${lab.network ? "whole" : "up"}: npx olympus lab up`] : [];
  return { lines: atWork.length > 0 ? making : toDo, rehearsal, down };
}
