import { exitCodes, OlympusError, OlympusErrors } from "../base/errors.ts";
import type { DataDisk } from "../machines/destroy.ts";
import type { LoadedTeam } from "../team/model.ts";
import { ask, canAsk } from "./ask.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";

export interface DestroyOptions {
  readonly all?: boolean;
  readonly purgeData?: string[];
  readonly confirm?: string[];
  /** They leave the team file, too. */
  readonly forGood?: boolean;
}

/** `olympus destroy`: machines go, their data disks stay, unless they are named a second time. */
export const command: CliCommand = {
  register(program, run) {
    const collect = (value: string, before: string[] = []): string[] => [...before, value];
    program
      .command("destroy")
      .argument("[name...]", "machines, or hypervisors for all machines on them")
      .option("--all", "every machine of the team")
      .option("--purge-data <machine>", "delete this machine's data disk too; can be given again", collect)
      .option("--confirm <machine>", "in place of typing the name; --yes does not agree to losing data", collect)
      .description("Removes machines: shut down in order, then domain, root and seed. Data disks stay and are listed.")
      .addHelpText(
        "before",
        [
          "  npx olympus destroy athena                                          data stays",
          "  npx olympus destroy athena --purge-data athena --confirm athena     nothing stays",
          "  npx olympus destroy r420                                            every machine on r420\n",
        ].join("\n"),
      )
      .action(
        run((context: CommandContext, names: string[], options: DestroyOptions) => destroy(context, names, options)),
      );
  },
};

/** As the command does, with its questions. Gives the exit code. */
export async function destroy(
  context: CommandContext,
  names: readonly string[],
  options: DestroyOptions,
): Promise<number> {
  const [{ dataDisksOn, destroyAll, purgeDisks }, { openSecrets }, { chooseMachines }] = await Promise.all([
    import("../machines/destroy.ts"),
    import("../../secrets/store.ts"),
    import("../machines/choose.ts"),
  ]);
  const { reporter, signal } = context;
  const team = await context.loadTeam();
  const chosen = chooseMachines(team, names, options.all === true);
  const purge = options.purgeData ?? [];
  const secrets = await openSecrets(team);
  const common = { team, secrets, signal };

  const involved = team.hypervisors.filter(({ name }) => chosen.some(({ hypervisor }) => hypervisor === name));
  const disks = (
    await Promise.all(
      involved.map((hypervisor) =>
        dataDisksOn(common, hypervisor).catch((error: unknown) => {
          const asked = team.machines.some((one) => one.hypervisor === hypervisor.name && purge.includes(one.name));
          // Without a purge there, its destroy says what is wrong with it, and the other hypervisors' go on.
          if (asked || !(error instanceof OlympusError)) throw error;
          return [];
        }),
      ),
    )
  ).flat();
  const there = [...disks, ...team.machines.map(({ name, hypervisor }) => ({ machine: name, hypervisor }))];
  const named = (machine: string): boolean =>
    chosen.some(({ machines, hypervisor }) =>
      machines === undefined
        ? there.some((one) => one.machine === machine && one.hypervisor === hypervisor)
        : machines.includes(machine),
    );
  checkPurge(team, purge, disks, named);
  const purged = disks.filter(({ machine }) => purge.includes(machine));
  const what = chosen
    .map(({ hypervisor, machines }) => `${machines?.join(", ") ?? "every machine"} on ${hypervisor}`)
    .join("; ");
  const staying = disks.filter(({ machine }) => named(machine) && !purge.includes(machine));
  const question = `Destroy ${what}? ${staying.length === 0 ? "" : `Data disks stay: ${staying.map(text).join(", ")}.`}`;
  if (!(await context.confirm(question.trim()))) return exitCodes.confirmation;
  for (const disk of purged) await confirmPurge(context, options, disk);

  const step = reporter.step("destroy");
  const outcomes = await destroyAll(
    chosen.map(({ hypervisor, machines }) => ({
      ...common,
      reporter,
      hypervisor: involved.find(({ name }) => name === hypervisor)!,
      ...(machines === undefined ? {} : { machines }),
      onProgress: (detail: string) => step.update(detail),
    })),
  );
  const errors = outcomes.flatMap(({ error }) => error ?? []);
  const changed = outcomes.reduce((sum, outcome) => sum + outcome.changed, 0);
  const gone: DataDisk[] = [];
  for (const hypervisor of involved) {
    const here = purged.filter((disk) => disk.hypervisor === hypervisor.name);
    const failed = outcomes.some((outcome) => outcome.hypervisor === hypervisor.name && outcome.error !== undefined);
    if (here.length === 0 || failed) continue;
    step.update(`${hypervisor.name}: deleting data disks`);
    await purgeDisks(common, hypervisor, here);
    gone.push(...here);
  }
  const summary = changed === 0 ? "nothing left to remove" : `${changed} resources removed`;
  if (errors.length === 0) step.done(summary);
  else step.fail(errors[0]!.message);

  const left = disks.filter((disk) => named(disk.machine) && !gone.includes(disk));
  const without = purge.filter((machine) => !disks.some((disk) => disk.machine === machine));
  reporter.result(
    [
      ...gone.map((disk) => `deleted  ${text(disk)}`),
      ...without.map((machine) => `gone     ${machine} has no data disk there`),
      ...left.map((disk) => `stays    ${text(disk)}, ${disk.volume} on ${disk.hypervisor}`),
      ...(errors.length === 0 && options.forGood !== true ? ["Make them again: npx olympus up"] : []),
    ].join("\n"),
    { type: "destroy", changed, deleted: gone, kept: left, errors: errors.map(({ code }) => code) },
  );
  if (errors.length > 0) throw new OlympusErrors("some machines could not be destroyed", errors);
  return exitCodes.done;
}

function text({ machine, size, used }: DataDisk): string {
  return `${machine} (${size}, ${used} used)`;
}

function checkPurge(
  team: LoadedTeam,
  purge: readonly string[],
  disks: readonly DataDisk[],
  named: (machine: string) => boolean,
): void {
  for (const machine of purge) {
    // Whose disk is gone already, by the same command that was cut off, has nothing left to purge.
    if (named(machine)) continue;
    const problem = disks.some((disk) => disk.machine === machine)
      ? `the data disk of ${machine} can only go together with ${machine}`
      : `there is no data disk of "${machine}" where you destroy`;
    throw new OlympusError(problem, {
      code: "E-USAGE",
      exit: exitCodes.usage,
      where: team.file,
      hint: `npx olympus destroy ${machine} --purge-data ${machine}; data disks there: ${disks.map((disk) => disk.machine).join(", ") || "none"}`,
    });
  }
}

/** Data goes only for a name that was typed for it: `--yes` is no substitute. */
async function confirmPurge({ options, signal }: CommandContext, given: DestroyOptions, disk: DataDisk): Promise<void> {
  if (given.confirm?.includes(disk.machine)) return;
  const flag = `--confirm ${disk.machine}`;
  const question = `Type ${disk.machine} to delete its data disk for good (${disk.used} used): `;
  if (canAsk(options) && (await ask(question, signal)) === disk.machine) return;
  throw new OlympusError(`nobody agreed to deleting the data disk of ${disk.machine}; nothing was destroyed`, {
    code: "E-CONFIRM",
    exit: exitCodes.confirmation,
    hint: `Add ${flag}`,
  });
}
