import { exitCodes } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { wholeNumber } from "./usage.ts";

/** `olympus dashboard`: the whole team on one page of this computer. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("dashboard")
      .option("-p, --port <port>", "on this computer; any free one unless given", wholeNumber, 0)
      .description("The team on one page, on this computer alone: who works, waits, costs, and needs somebody.")
      .addHelpText("before", "  npx olympus dashboard\n  npx olympus dashboard --port 18790\n")
      .addHelpText("after", "\nThe link signs you in once. Enter prints another one; Ctrl-C ends the page.\n")
      .action(run((context: CommandContext, options: { port: number }) => dashboard(context, options.port)));
  },
};

async function dashboard(
  { loadTeam, reporter, signal, endsByInterruption }: CommandContext,
  port: number,
): Promise<number> {
  const [{ startTeamDashboard }, { openSecrets }] = await Promise.all([
    import("../status/team-server.ts"),
    import("../../secrets/store.ts"),
  ]);
  const team = await loadTeam();
  const page = await startTeamDashboard(team, await openSecrets(team), port);
  endsByInterruption();
  const tell = (): void => {
    const url = page.link();
    reporter.result(url, { type: "link", team: team.name, url });
  };
  reporter.info("The page is there until Ctrl-C; the link signs one person in, once.");
  tell();
  // A link is good once: whoever closed the page gets another one.
  if (process.stdin.isTTY === true) process.stdin.on("data", tell).unref();
  try {
    await page.run(signal);
  } finally {
    await page.close();
  }
  return exitCodes.done;
}
