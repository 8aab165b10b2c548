import { exitCodes } from "../base/errors.ts";
import type { QuickstartResult } from "../deploy/quickstart.ts";
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
        run(async ({ reporter, options, confirm, signal }) => {
          const [{ planQuickstart, soFar }, { quickstart }, { withFileLock }, { layout }] = await Promise.all([
            import("../deploy/quickstart-plan.ts"),
            import("../deploy/quickstart.ts"),
            import("../base/lock.ts"),
            import("../lab/layout.ts"),
          ]);
          const plan = await planQuickstart(options.team);
          for (const line of plan.lines) reporter.info(line);
          if (!(await confirm(`So far, ${soFar}, nothing has been changed. Continue?`))) return exitCodes.confirmation;
          // Two of them would build the same tools and machines at the same time.
          const { result, answer } = await withFileLock(layout.quickstart, { waitMs: 0 }, () =>
            quickstart(plan, { reporter, signal }),
          );

          reporter.info(`      ${result.agent}   ${answer.replaceAll("\n", "\n      ")}`);
          const elapsed = formatElapsed(result.elapsed_s * 1000);
          reporter.info(
            result.changed === 0
              ? `Nothing changed, ${elapsed}.`
              : `Answered after ${elapsed} (acknowledged in ${result.mention_to_ack_ms} ms).`,
          );
          reporter.info(`  talk      npx olympus chat @${result.agent} "please list the hypervisors"`);
          for (const line of addressLines(result)) reporter.info(line);
          for (const line of workLines(result)) reporter.info(line);
          reporter.info("  state     npx olympus status");
          reporter.info("  next      docs/getting-started.md: a real model, then your own hypervisor");
          const packages = await installedByOlympus();
          reporter.info(
            `  remove    npx olympus lab down --purge   (with --cache also what was built)${packages.length === 0 ? "" : "   (it names the Debian packages that stay)"}`,
          );
          reporter.result("", { type: "quickstart", ...result });
          return exitCodes.done;
        }),
      );
  },
};

const withoutPage = "no web page, since it was built here: use npx olympus chat (docs/reference/lab.md)";

/** From another computer, an address here goes through SSH. */
function tunnel(url: string): string {
  const { port } = new URL(url);
  return `from elsewhere: ssh -L ${port}:127.0.0.1:${port} <this computer>`;
}

/** Where to look, for what the lab publishes; from another computer through SSH. */
export function addressLines({ agent, urls, chat_page: page }: QuickstartResult): string[] {
  return [
    ...(urls.chat === "" ? [] : [`  chat      ${urls.chat}   ${page ? tunnel(urls.chat) : withoutPage}`]),
    ...(urls.dashboard === ""
      ? []
      : [
          `  look      ${urls.dashboard}   token:  npx olympus secrets get agents.${agent}.dashboard`,
          `            ${tunnel(urls.dashboard)}`,
        ]),
  ];
}

/** What a mention became: issue, pull request, and who approved it. */
export function workLines({ flow, urls }: QuickstartResult): string[] {
  if (flow === undefined) return [];
  return [
    `  work      ${flow.issue} -> ${flow.pull}, merged after ${flow.approved_by}'s approval`,
    ...(urls.forge === undefined ? [] : [`            ${tunnel(urls.forge)}`]),
  ];
}
