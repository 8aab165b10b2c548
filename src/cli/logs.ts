import { exitCodes, OlympusError } from "../base/errors.ts";
import { readable } from "../base/readable.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { wholeNumber } from "./usage.ts";

interface Options {
  readonly follow?: boolean;
  readonly unit?: string[];
  readonly lines: number;
}

/** `olympus logs`: the journal of what a machine is there for. */
export const command: CliCommand = {
  register(program, run) {
    const collect = (value: string, before: string[] = []): string[] => [...before, value];
    program
      .command("logs")
      .argument("<machine>", "a machine or a hypervisor")
      .option("-f, --follow", "go on until Ctrl-C")
      .option("-u, --unit <unit>", "another unit than the main ones; can be given again", collect)
      .option("-n, --lines <n>", "how far back", wholeNumber, 100)
      .description("The journal of the agent, of the services, or of a hypervisor's libvirt.")
      .addHelpText("before", "  npx olympus logs athena\n  npx olympus logs agora --unit mattermost --follow\n")
      .action(run((context: CommandContext, name: string, options: Options) => logs(context, name, options)));
  },
};

async function logs(
  { loadTeam, reporter, options: global, signal, endsByInterruption }: CommandContext,
  name: string,
  options: Options,
): Promise<number> {
  const [{ journalCommand, mainUnits }, { connectSsh }, { openSecrets }, { findHost, sshTargetOf }] = await Promise.all(
    [
      import("../machines/logs.ts"),
      import("../ssh/connect.ts"),
      import("../../secrets/store.ts"),
      import("../machines/find.ts"),
    ],
  );
  const { lines } = options;
  if (options.follow) endsByInterruption();
  const team = await loadTeam();
  const host = findHost(team, name);
  const units = options.unit ?? mainUnits(host);
  const target = sshTargetOf(team, await openSecrets(team), name);
  const connection = await connectSsh(target, signal);
  let rest = "";
  const show = (chunk: string): void => {
    if (!global.json) {
      process.stdout.write(readable(chunk));
      return;
    }
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) reporter.event({ type: "log", machine: name, line });
  };
  const decoder = new TextDecoder();
  let seen = false;
  try {
    const { code, stderr } = await connection.exec(journalCommand({ units, lines, follow: options.follow === true }), {
      signal,
      onStdout: (chunk) => {
        seen = true;
        show(decoder.decode(chunk, { stream: true }));
      },
    });
    if (code !== 0) {
      throw new OlympusError(`${name}: its journal cannot be read: ${stderr.trim()}`, {
        code: "E-LOGS",
        where: name,
        hint: `npx olympus doctor ${name}; the login needs sudo there without a password`,
      });
    }
    if (!seen) reporter.info(`${name}: nothing in the journal of ${units.join(", ")}; --unit names another`);
    return exitCodes.done;
  } finally {
    connection.close();
  }
}
