import { exitCodes } from "../base/errors.ts";
import { describeHolder } from "../base/lock.ts";
import { plural } from "../base/plural.ts";
import type { LabStatus } from "../lab/index.ts";
import type { CliCommand, RunAction } from "./command.ts";
import type { Stays } from "./lab-stays.ts";
import { usageError } from "./usage.ts";

const examples = `  npx olympus lab up                     start the lab of examples/lab/team.yaml, or go on with it
  npx olympus lab up --team mine.yaml    the lab of another team file
  npx olympus lab restart r420 --kill    a power cut of one hypervisor
  npx olympus lab down --purge           remove it with its disks; tells what stays
  npx olympus lab down --purge --cache   tools and images too

What it does to this computer: one interface (olylab0), processes and
namespaces, files under .olympus/lab and the cache. Firewall, routes of others,
sysctls and clock stay untouched. Needs root.
`;

export const command: CliCommand = {
  register(program, run) {
    const lab = program
      .command("lab")
      .description("a network of hypervisors on this computer")
      .enablePositionalOptions()
      .addHelpText("before", examples);
    lab
      .command("up")
      .description("start the lab, or what is missing of it")
      .action(
        run(async ({ reporter, options, signal }) => {
          const { labStatus, labUp } = await import("../lab/index.ts");
          const { changes } = await labUp({ reporter, signal, ...(options.team && { teamFile: options.team }) });
          const status = await labStatus();
          const head = changes.length === 0 ? "The lab is up, as it was." : `The lab is up (${changes.join(", ")}).`;
          reporter.result(`${head}\n${table(status)}`, { type: "lab", changed: changes.length, ...status });
          return exitCodes.done;
        }),
      );
    lab
      .command("down")
      .description("stop everything; disks of machines and guests stay, unless purged")
      .option("--purge", "also remove the disks, the lab's secrets and the caches of roots and packages")
      .option("--cache", "with --purge: also what was built or downloaded, such as tools and images")
      .option("--dry-run", "only tell what would be removed")
      .addHelpText("before", "  npx olympus lab down --purge --dry-run\n  npx olympus lab down --purge --cache\n")
      .action(
        run(async ({ reporter, confirm, options }, { purge = false, cache = false, dryRun = false }: DownOptions) => {
          if (cache && !purge) throw usageError("--cache goes with --purge", "npx olympus lab down --purge --cache");
          const [{ labDown }, { whatStays }] = await Promise.all([import("../lab/index.ts"), import("./lab-stays.ts")]);
          const planned = await labDown({ purge, cache, dryRun: true, reporter });
          if (planned.removed.length > 0 && purge && !dryRun && planned.atWork.length === 0) {
            if (!options.yes) reporter.info(planned.removed.map((line) => `  ${line}`).join("\n"));
            if (!(await confirm("Remove all of this?"))) return exitCodes.confirmation;
          }
          const { removed, keptFor, atWork } = dryRun ? planned : await labDown({ purge, cache, reporter });
          const stays = await whatStays({ purge, cache, keptFor });
          const title = removed.length === 0 ? "Nothing to remove." : dryRun ? "Would remove:" : "Removed:";
          const busy = atWork.map(
            (holder) => `At work here: ${describeHolder(holder)}. What it still makes is not told here.`,
          );
          const text = [...busy, title, ...removed.map((line) => `  ${line}`), ...staysLines(stays)].join("\n");
          reporter.result(text, { type: "lab-down", dryRun, removed, stays, atWork });
          return exitCodes.done;
        }),
      );
    lab
      .command("status")
      .description("what runs in the lab")
      .addHelpText("before", "  npx olympus lab status --json\n")
      .action(
        run(async ({ reporter }) => {
          const { labStatus } = await import("../lab/index.ts");
          const status = await labStatus();
          reporter.result(table(status), { type: "lab", ...status });
          return exitCodes.done;
        }),
      );
    registerMachineCommands(lab, run);
  },
};

interface DownOptions {
  readonly purge?: boolean;
  readonly cache?: boolean;
  readonly dryRun?: boolean;
}

function staysLines(stays: readonly Stays[]): string[] {
  if (stays.length === 0) return [];
  return [
    "Stays, with what removes it:",
    ...stays.flatMap(({ what, remove }) => [`  ${what}`, ...(remove === undefined ? [] : [`    ${remove}`])]),
  ];
}

function registerMachineCommands(
  lab: ReturnType<Parameters<CliCommand["register"]>[0]["command"]>,
  run: RunAction,
): void {
  for (const [verb, what] of [
    ["restart", "stop lab machines and start them again with their disks"],
    ["stop", "stop lab machines; lab up starts them again"],
  ] as const) {
    lab
      .command(verb)
      .argument("<machine...>", "names of lab machines")
      .option("--kill", "at once, like a power cut; otherwise orderly, guests first")
      .description(what)
      .addHelpText("before", `  npx olympus lab ${verb} r420\n`)
      .action(
        run(async ({ reporter, signal }, names: string[], { kill = false }: { kill?: boolean }) => {
          const { labRestart, labStatus, labStop } = await import("../lab/index.ts");
          if (verb === "stop") await labStop({ names, kill, reporter, signal });
          else await labRestart({ names, kill, reporter, signal });
          const status = await labStatus();
          reporter.result(table(status), { type: "lab", ...status });
          return exitCodes.done;
        }),
      );
  }
  lab
    .command("exec")
    .argument("<machine>", "name of a lab machine")
    .argument("<command...>", "command and its arguments, run as root; write -- before ones with options")
    .passThroughOptions()
    .description("run a command in a lab machine")
    .addHelpText("before", "  npx olympus lab exec r420 -- virsh list --all\n")
    .action(
      run(async ({ endsByInterruption }, name: string, words: string[]) => {
        const { labExec } = await import("../lab/index.ts");
        if (words.length === 0)
          throw usageError("no command given", `npx olympus lab exec ${name} -- virsh list --all`);
        endsByInterruption();
        return labExec(name, words);
      }),
    );
}

/** The lab as lines for a person. */
function table(status: LabStatus): string {
  if (status.network === undefined) {
    return status.unfinished
      ? "The lab was cut off while starting: npx olympus lab up, or npx olympus lab down."
      : "No lab is up.";
  }
  const width = Math.max(...status.machines.map(({ name }) => name.length), 10) + 2;
  const row = (name: string, ...rest: string[]): string => `  ${name.padEnd(width)}${rest.join("  ")}`.trimEnd();
  return [
    row(
      "network",
      status.network.cidr,
      `gateway ${status.network.gateway}`,
      `this computer ${status.network.hostAddress}`,
    ),
    ...status.machines.map(({ name, address, running, guests, memory }) =>
      row(
        name,
        address.padEnd(15),
        running ? "running" : "STOPPED",
        plural(guests, "guest"),
        memory === undefined ? "" : `${memory} MB`,
      ),
    ),
    ...Object.entries(status.publish).map(([port, target]) => row(`:${port}`, `127.0.0.1:${port} -> ${target}`)),
    row("team file", status.team),
  ].join("\n");
}
