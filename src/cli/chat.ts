import { InvalidArgumentError } from "commander";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";

interface ChatOptions {
  readonly as?: string;
  readonly channel?: string;
  readonly wait: number;
  readonly follow?: boolean;
}

/** `olympus chat`: asks an agent as a person of the team file and prints the answer. Exit 2 when none comes in time, with the reason. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("chat")
      .argument("<words...>", "the agent (@athena; not needed when there is one) and the text in quotes")
      .option("--as <person>", "who speaks (a person of the team file; the first who administers and may command)")
      .option("--channel <channel>", "where: dev, or olympus/dev (the first that both are in)")
      .option("--wait <seconds>", "for the answer", seconds, 120)
      .option("--follow", "go on showing the thread until Ctrl-C")
      .description("Asks an agent in the chat and prints the answer.")
      .addHelpText(
        "before",
        [
          '  npx olympus chat @athena "please list the hypervisors"',
          '  npx olympus chat @athena "and the agents?" --as mara --channel dev --wait 30',
          '  npx olympus chat @athena "hello" --json | jq .answer_ms\n',
        ].join("\n"),
      )
      .action(
        run(async ({ reporter, loadTeam, signal, endsByInterruption }, words: string[], options: ChatOptions) => {
          // There is nothing to go on with: asked once more it would be another question.
          endsByInterruption();
          const [{ openSecrets }, { askAgent }] = await Promise.all([
            import("../../secrets/store.ts"),
            import("../bootstrap/ask.ts"),
          ]);
          const team = await loadTeam();
          const { agent, text } = addressee(words, Object.keys(team.team.agents));
          const secrets = await openSecrets(team);
          const result = await askAgent({
            team,
            secrets,
            agent,
            text,
            waitMs: options.wait * 1000,
            signal,
            ...(options.as === undefined ? {} : { as: options.as }),
            ...(options.channel === undefined ? {} : { channel: options.channel }),
            ...(options.follow === undefined ? {} : { follow: options.follow }),
            seen: (what, said, ms) => {
              if (what === "acknowledged") reporter.info(`${agent} has seen it (${Math.round(ms)} ms)`);
              // The first answer is the command's result; with --follow it is shown as it comes, like the rest.
              else if (what === "post" || options.follow) reporter.info(said);
            },
          }).catch((error: unknown) => {
            if (signal.aborted) reporter.info(`what ${agent} was asked already is answered in the chat all the same`);
            throw error;
          });
          reporter.result(options.follow ? "" : result.answer, {
            type: "answer",
            agent: result.agent,
            channel: result.channel,
            post_id: result.postId,
            answer_id: result.answerId,
            answer: result.answer,
            ack_ms: result.ackMs,
            answer_ms: result.answerMs,
          });
          return exitCodes.done;
        }),
      );
  },
};

/** Who is asked what: `@athena` alone or within the text; without a mention the team's only agent. */
export function addressee(words: readonly string[], agents: readonly string[]): { agent: string; text: string } {
  const [first = "", ...rest] = words;
  const alone = /^@([a-z][a-z0-9-]*)$/i.exec(first);
  const text = alone === null ? words.join(" ") : rest.join(" ");
  const named = alone?.[1] ?? agents.find((agent) => new RegExp(`(^|[^\\w.@-])@${agent}(?![\\w-])`, "i").test(text));
  const agent = named?.toLowerCase() ?? (agents.length === 1 ? agents[0] : undefined);
  if (text.trim() === "") throw usage("there is no text", 'npx olympus chat @athena "hello"');
  if (agent === undefined)
    throw usage(
      "no agent is named",
      agents.includes(first)
        ? `Did you mean @${first}?`
        : `Begin with one of ${agents.map((one) => `@${one}`).join(", ")}.`,
    );
  return { agent, text };
}

function usage(message: string, hint: string): OlympusError {
  return new OlympusError(message, { code: "E-USAGE", exit: exitCodes.usage, hint });
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("Give seconds, such as 30.");
}
