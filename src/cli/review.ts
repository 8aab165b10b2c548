import { exitCodes, OlympusError } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";
import type { LensOutcome, ReviewOutcome } from "./review-alone.ts";
import { table } from "./table.ts";

/** `olympus review`: looks at one pull request, without an agent. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("review")
      .argument("<pull>", "owner/repo#number, or the pull request's address")
      .option("--lens <lens...>", "look through these; those that the team's policy wants unless given, else security")
      .option("--dry-run", "print what would be said, and write nothing to the forge")
      .description("review a pull request through one lens or several, once for each commit; no agent has to run")
      .addHelpText(
        "before",
        "  npx olympus review owner/repo#12\n  npx olympus review owner/repo#12 --lens security ux --dry-run\n",
      )
      .action(
        run(async (context, text: string, options: { lens?: string[]; dryRun?: boolean }) => {
          const place = placeOf(text);
          const lenses = options.lens?.map(lensWord);
          const [{ reviewSetup }, { reviewAlone }, { ForgeError }] = await Promise.all([
            import("./review-as.ts"),
            import("./review-alone.ts"),
            import("../harness/forge-port.ts"),
          ]);
          const setup = await reviewSetup(context, place.repo);
          const { signal, reporter } = context;
          const dryRun = options.dryRun === true;
          const outcome = await reviewAlone(setup, { ...place, lenses, dryRun, signal }).catch((cause: unknown) => {
            if (!(cause instanceof ForgeError)) throw cause;
            const exit = cause.kind === "retry" ? exitCodes.unreachable : exitCodes.failed;
            const hint =
              "look at the address, and at what the token may do: read contents, write pull requests and statuses";
            throw new OlympusError(`the forge says: ${cause.message}`, {
              code: "E-REVIEW-FORGE",
              exit,
              where: text,
              hint,
              cause,
            });
          });
          if (outcome.refused !== undefined)
            throw new OlympusError(`nobody reviewed it: ${outcome.refused}`, { code: "E-REVIEW-PULL", where: text });
          const { lenses: given, usd } = outcome;
          reporter.result(shown(outcome), { type: "review", ...place, dryRun, usd, lenses: given.map(eventOf) });
          return given.some(({ result }) => "failed" in result) ? exitCodes.failed : exitCodes.done;
        }),
      );
  },
};

function placeOf(text: string): { repo: string; number: number } {
  const found = /^(?:https?:\/\/[^/]+\/)?([\w.-]+\/[\w.-]+)(?:#|\/pull\/)([1-9]\d*)\/?$/.exec(text);
  if (found !== null) return { repo: found[1]!, number: Number(found[2]) };
  throw usage(`${text} names no pull request`, "npx olympus review owner/repo#12");
}

function lensWord(text: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(text)) return text;
  throw usage(`--lens wants words such as security or ux, not ${text}`, "npx olympus review owner/repo#12 --lens ux");
}

const usage = (message: string, hint: string): OlympusError =>
  new OlympusError(message, { code: "E-USAGE", exit: exitCodes.usage, hint });

const eventOf = ({ lens, by, result, said }: LensOutcome) => ({
  lens,
  by,
  ...result,
  ...(said.length > 0 && { said }),
});

function shown({ lenses, usd }: ReviewOutcome): string {
  const rows = lenses.flatMap(({ lens, by, result }) => {
    if ("failed" in result) return [];
    const { verdict, findings, unread, url, known } = result;
    const word = verdict === "pass" ? "no objections" : "changes wanted";
    return [
      known ? [lens, `${word}, said before`, "", "", by, url] : [lens, word, String(findings), String(unread), by, url],
    ];
  });
  const said = lenses.flatMap(({ said: texts }) =>
    texts.flatMap(({ body, comments }) => [
      body,
      ...comments.map(({ path, line, body: remark }) => `${path}:${line}: ${remark}`),
    ]),
  );
  return [
    ...(rows.length === 0 ? [] : [table(["lens", "verdict", "findings", "not read", "by", "review"], rows, [2, 3])]),
    ...lenses.flatMap(({ lens, result }) => ("failed" in result ? [`${lens}: no review, ${result.failed}`] : [])),
    ...said,
    `Models cost $${usd.toFixed(4)}.`,
  ].join("\n");
}
