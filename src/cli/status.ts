import { exitCodes } from "../base/errors.ts";
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
  const [
    { teamStatus },
    { statusLines, worstFirst },
    { openSecrets },
    { commandsAtWork, labStatus },
    { describeHolder },
  ] = await Promise.all([
    import("../status/status.ts"),
    import("../status/lines.ts"),
    import("../../secrets/store.ts"),
    import("../lab/index.ts"),
    import("../base/lock.ts"),
  ]);
  const team = await loadTeam();
  const secrets = await openSecrets(team);
  const live = watch && !json && process.stdout.isTTY === true && process.env.TERM !== "dumb";
  if (watch) endsByInterruption();
  for (;;) {
    const started = performance.now();
    const hosts = await teamStatus(team, secrets, signal, names);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const rehearsal =
      team.team.defaults.models[0]?.provider === "rehearsal"
        ? ["The model is a rehearsal: docs/how-to/real-model.md."]
        : [];
    const lab = await labStatus();
    // After a restart of this computer, say: the team file is the lab's, and nothing of it runs.
    const down = lab.team === team.file && !lab.up;
    const atWork = lab.team === team.file ? await commandsAtWork() : [];
    const making = atWork.map(
      (holder) => `At work here: ${describeHolder(holder)}. What it is still to make does not answer yet.`,
    );
    const toDo = down ? [`The lab of this team is not ${lab.network ? "whole" : "up"}: npx olympus lab up`] : [];
    const cause = atWork.length > 0 ? making : toDo;
    const at = watch ? [`${new Date().toISOString().slice(11, 19)} UTC, every ${everyMs / 1000} s`] : [];
    // Only where somebody looks: elsewhere one round stands below the other. What the reporter prints does nothing to a terminal.
    if (live) process.stdout.write("\u001b[H\u001b[2J");
    reporter.result([...at, ...cause, ...statusLines(hosts, all, seconds), ...rehearsal].join("\n"), {
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
