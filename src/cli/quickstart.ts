import { exitCodes } from "../base/errors.ts";
import { installedByOlympus } from "../prerequisites/packages.ts";
import type { CliCommand } from "./command.ts";
import { formatElapsed } from "./terminal.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("quickstart")
      .description("this computer -> lab -> VMs -> Mattermost -> an agent answers")
      .addHelpText("before", "  scripts/quickstart\n  scripts/quickstart --yes     without questions\n")
      .action(
        run(async ({ reporter, confirm, signal }) => {
          const { planQuickstart, quickstart } = await import("../deploy/quickstart.ts");
          const plan = await planQuickstart();
          for (const line of plan.lines) reporter.info(line);
          if (!(await confirm("Nothing has been changed yet. Continue?"))) return exitCodes.confirmation;
          const { result, answer, passwords } = await quickstart(plan, { reporter, signal });

          reporter.info(`      ${result.agent}   ${answer.replaceAll("\n", "\n      ")}`);
          const elapsed = formatElapsed(result.elapsed_s * 1000);
          reporter.info(
            result.changed === 0
              ? `Nothing changed, ${elapsed}.`
              : `Answered after ${elapsed} (acknowledged in ${result.mention_to_ack_ms} ms).`,
          );
          for (const { person, password } of passwords) {
            reporter.info(
              `  password  ${person}: ${password}   (once only, shown nowhere else; change it at the first login)`,
            );
          }
          reporter.info(`  talk      npx olympus chat @${result.agent} "please list the hypervisors"`);
          reporter.info(`  chat      ${result.urls.chat}   from elsewhere: ssh -L 8065:127.0.0.1:8065 <this computer>`);
          reporter.info(
            `  look      ${result.urls.dashboard}   token:  npx olympus secrets get agents.${result.agent}.dashboard`,
          );
          reporter.info("  next      docs/getting-started.md: a real model, then your own hypervisor");
          const packages = await installedByOlympus();
          reporter.info(
            `  remove    npx olympus lab down --purge${packages.length === 0 ? "" : "   (packages stay: .olympus/packages.txt lists them)"}`,
          );
          reporter.result("", { type: "quickstart", ...result });
          return exitCodes.done;
        }),
      );
  },
};
