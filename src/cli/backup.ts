import { exitCodes } from "../base/errors.ts";
import { withStep } from "../base/report.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";

/** `olympus backup`: backups of hosts that have the role. */
export const command: CliCommand = {
  register(program, run) {
    const parent = program
      .command("backup")
      .description("Backups of hosts that have the role backup: encrypted, on another host, each one tried.")
      .addHelpText(
        "before",
        "  npx olympus backup list\n  npx olympus backup now agora\n  npx olympus backup verify agora\n  npx olympus backup restore agora --confirm agora\n",
      );
    parent
      .command("list")
      .argument("[host...]", "every host with backups unless given")
      .description("what is kept of which host, and when it was last verified")
      .action(run((context: CommandContext, names: string[]) => list(context, names)));
    for (const [name, description] of [
      ["now", "make a backup now, and verify it"],
      ["verify", "bring one back into a place of its own, and look whether it is whole"],
    ] as const) {
      const one = parent.command(name).argument("<host>", "host with backups");
      if (name === "verify") one.argument("[backup]", "its name; the newest unless given");
      one.description(description).action(
        run(async (context: CommandContext, host: string, backup?: string) => {
          if (name === "verify") return act(context, "verify", host, typeof backup === "string" ? backup : undefined);
          await act(context, "now", host);
          return act(context, "verify", host);
        }),
      );
    }
    parent
      .command("restore")
      .argument("<host>", "host with backups")
      .argument("[backup]", "its name; the newest unless given")
      .option("--confirm <host>", "agrees to the host's present data being set aside")
      .description("bring a backup back; what is there now is set aside beside it, not deleted")
      .action(
        run(
          async (context: CommandContext, host: string, backup: string | undefined, options: { confirm?: string }) => {
            const { confirmName } = await import("./confirm-name.ts");
            const what = `its data in place (it is set aside) with the backup ${backup ?? "latest"}`;
            await confirmName(context, host, what, options.confirm === undefined ? [] : [options.confirm]);
            return act(context, "restore", host, backup ?? "latest");
          },
        ),
      );
  },
};

async function opened({ loadTeam, signal }: CommandContext) {
  const [{ openSecrets }, backups] = await Promise.all([
    import("../../secrets/store.ts"),
    import("../backup/backup.ts"),
  ]);
  const team = await loadTeam();
  return { ...backups, context: { team, secrets: await openSecrets(team), signal } };
}

async function act(
  command: CommandContext,
  what: "now" | "verify" | "restore",
  host: string,
  backup?: string,
): Promise<number> {
  const { runBackup, context } = await opened(command);
  const { reporter } = command;
  const name = await withStep(reporter, `backup ${what} ${host}`, async (step) => {
    const value = await runBackup({ ...context, onLine: (line) => step.update(line) }, host, what, backup);
    return { value, summary: value };
  });
  reporter.event({ type: "backup", what, host, backup: name });
  return exitCodes.done;
}

async function list(command: CommandContext, names: readonly string[]): Promise<number> {
  const { listBackups, backupAge, hostsWithBackups, context } = await opened(command);
  const hosts = names.length > 0 ? names : hostsWithBackups(context.team).map(({ name }) => name);
  const found = await Promise.all(
    hosts.map(async (host) => ({
      host,
      backups: await listBackups(context, host),
      age: await backupAge(context, host),
    })),
  );
  const lines = found.flatMap(({ host, backups, age }) => [
    `${host}  ${backups.length} backups, last verified ${age.verified?.toISOString() ?? "never"}`,
    ...backups.map(({ name, size }) => `  ${name}  ${(size / 1e6).toFixed(1)} MB`),
  ]);
  const text = hosts.length === 0 ? "No host of the team file has the role backup with `to`." : lines.join("\n");
  command.reporter.result(text, {
    type: "backups",
    hosts: found.map(({ host, backups, age }) => ({ host, backups, verified: age.verified?.toISOString() ?? null })),
  });
  return exitCodes.done;
}
