import { olympusWord } from "../base/as-root.ts";
import { exitCodes } from "../base/errors.ts";
import type { QuickstartResult } from "../deploy/quickstart.ts";
import { stillNeeds } from "../deploy/quickstart-plan.ts";
import { installedByOlympus } from "../prerequisites/packages.ts";
import type { CliCommand } from "./command.ts";
import { formatElapsed } from "./terminal.ts";

const [first, later] = [stillNeeds(false, false), stillNeeds(false, true)];
const help = `  scripts/quickstart
  scripts/quickstart --yes     without questions

Needs root, an x86-64 computer, ${first.memory} GB of memory, ${first.disk} GB of disk. Takes about ${first.minutes} minutes on two
cores, ${later.minutes} once the tools are built, seconds when nothing is to be done. Tells what it would
do and asks before it begins; interrupted, it goes on where it was, without a question once its lab is there.
`;

export const command: CliCommand = {
  register(program, run) {
    program
      .command("quickstart")
      .description("this computer -> lab -> VMs -> Mattermost -> an agent answers")
      .addHelpText("before", help)
      .action(
        run(async ({ reporter, options, confirm, signal }) => {
          const [{ planQuickstart, soFar }, { quickstart }, { operatorOf }, { withFileLock }, { layout }] =
            await Promise.all([
              import("../deploy/quickstart-plan.ts"),
              import("../deploy/quickstart.ts"),
              import("../bootstrap/people.ts"),
              import("../base/lock.ts"),
              import("../lab/layout.ts"),
            ]);
          const plan = await planQuickstart(options.team);
          for (const line of plan.lines) reporter.info(line);
          const question = `So far, ${soFar}, nothing has been changed. Continue?`;
          if (plan.asks && !(await confirm(question))) return exitCodes.confirmation;
          // Two of them would build the same tools and machines at the same time.
          const { result, answer, team } = await withFileLock(layout.quickstart, { waitMs: 0 }, () =>
            quickstart(plan, { reporter, signal }),
          );

          reporter.info(`      ${result.agent}   ${answer.replaceAll("\n", "\n      ")}`);
          const elapsed = formatElapsed(result.elapsed_s * 1000);
          reporter.info(
            result.changed === 0
              ? `Nothing changed, ${elapsed}.`
              : `Answered after ${elapsed} (acknowledged in ${result.mention_to_ack_ms} ms).`,
          );
          reporter.info(`  talk      ${olympusWord()} chat @${result.agent} "please list the hypervisors"`);
          for (const line of addressLines(result, operatorOf(team.team.people)!)) reporter.info(line);
          for (const line of workLines(result)) reporter.info(line);
          for (const line of partingLines(await installedByOlympus())) reporter.info(line);
          reporter.result("", { type: "quickstart", ...result });
          return exitCodes.done;
        }),
      );
  },
};

const withoutPage = (): string =>
  `no web page, since it was built here: use ${olympusWord()} chat (docs/reference/lab.md)`;

/** From another computer, an address here goes through SSH. */
function tunnel(url: string): string {
  const { port } = new URL(url);
  return `from elsewhere: ssh -L ${port}:127.0.0.1:${port} <this computer>`;
}

/** Where to look, for what the lab publishes, and how `person` signs in; from another computer through SSH. */
export function addressLines({ agent, urls, chat_page: page }: QuickstartResult, person: string): string[] {
  return [
    ...(urls.chat === "" ? [] : [`  chat      ${urls.chat}   ${page ? tunnel(urls.chat) : withoutPage()}`]),
    ...(urls.dashboard === ""
      ? []
      : [
          `  look      ${urls.dashboard}   sign in:  ${olympusWord()} open ${agent} --person ${person}`,
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

/** Where the team's state is seen, what to do next and how to remove all of it; `packages` are Debian's that were installed for it. */
export function partingLines(packages: readonly string[]): string[] {
  const stay = packages.length === 0 ? "" : "   (it names the Debian packages that stay)";
  return [
    `  state     ${olympusWord()} status`,
    "  next      docs/getting-started.md: a real model, then your own hypervisor",
    `  remove    ${olympusWord()} lab down --purge   (with --cache also what was built)${stay}`,
  ];
}
