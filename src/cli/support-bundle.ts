import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { wholeNumber } from "./usage.ts";

interface Options {
  readonly output?: string;
  readonly lines: number;
}

/** `olympus support-bundle`: what somebody needs who is to help, in one file without secrets. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("support-bundle")
      .option("-o, --output <file>", "where to; olympus-support-<team>-<time>.json here unless given")
      .option("-n, --lines <n>", "how far back in each journal", wholeNumber, 300)
      .description(
        "Writes versions, team file, the state of every host and its journal into one file, without secrets.",
      )
      .addHelpText("before", "  npx olympus support-bundle\n  npx olympus support-bundle --output /tmp/athena.json\n")
      .action(run((context: CommandContext, options: Options) => support(context, options)));
  },
};

async function support({ loadTeam, reporter, signal }: CommandContext, { output, lines }: Options): Promise<number> {
  const [{ supportBundle }, { openSecrets }] = await Promise.all([
    import("../status/support.ts"),
    import("../../secrets/store.ts"),
  ]);
  const team = await loadTeam();
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, "-");
  const file = resolve(output ?? `olympus-support-${team.name}-${stamp}.json`);
  const bundle = await supportBundle({ team, secrets: await openSecrets(team), lines, signal });
  try {
    // Never over something that is there; read by its owner alone, who decides where it goes.
    await writeFile(file, `${JSON.stringify(bundle, undefined, 1)}\n`, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    throw new OlympusError(`the support bundle cannot be written: ${messageOf(cause)}`, {
      code: "E-SUPPORT-FILE",
      exit: exitCodes.usage,
      where: file,
      hint: "npx olympus support-bundle --output FILE  with a file that is not there yet",
      cause,
    });
  }
  reporter.result(
    `${file}\nSecrets are taken out. Read it before you give it away: names, addresses and logs are in it.`,
    {
      type: "support-bundle",
      file,
    },
  );
  return exitCodes.done;
}
