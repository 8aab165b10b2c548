import { exitCodes, OlympusError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
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
  const [
    { journalCommand, mainUnits },
    { createRootShell },
    { connectSsh },
    { openSecrets },
    { findHost, sshTargetOf },
  ] = await Promise.all([
    import("../machines/logs.ts"),
    import("../converge/root-shell.ts"),
    import("../ssh/connect.ts"),
    import("../../secrets/store.ts"),
    import("../machines/find.ts"),
  ]);
  const { lines } = options;
  if (options.follow) endsByInterruption();
  const team = await loadTeam();
  const host = findHost(team, name);
  const units = options.unit ?? mainUnits(host);
  const secrets = await openSecrets(team);
  const connection = await connectSsh(sshTargetOf(team, secrets, name), signal);
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
    const command = journalCommand({ units, lines, follow: options.follow === true });
    const shell = createRootShell(connection, secrets.get(`sudo.${name}`));
    const { code, stderr } = await shell.run(`-c ${quote(`exec ${command}`)}`, {
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
        hint: `npx olympus doctor ${name}`,
      });
    }
    if (!seen) reporter.info(`${name}: nothing in the journal of ${units.join(", ")}; --unit names another`);
    return exitCodes.done;
  } finally {
    connection.close();
  }
}
