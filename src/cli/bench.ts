import { exitCodes } from "../base/errors.ts";
import { benchResult, benchTable } from "../bench/bench.ts";
import { benchmarks } from "../bench/index.ts";
import type { CliCommand } from "./command.ts";
import { unknownWord, wholeNumber } from "./usage.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("bench")
      .argument("[name]", "benchmark to run; without one, lists them")
      .option("--seed <n>", "makes a run repeatable", wholeNumber)
      .description("measure what the docs promise")
      .addHelpText("before", "  npm run -s bench -- stack --json\n")
      .action(
        run(async (context, name: string | undefined, { seed }: { seed?: number }) => {
          if (name === undefined) {
            const list = Object.entries(benchmarks).map(([key, { summary }]) => `${key.padEnd(12)} ${summary}`);
            context.reporter.result(list.join("\n"), { type: "benches", names: Object.keys(benchmarks) });
            return exitCodes.done;
          }
          const entry = benchmarks[name];
          if (entry === undefined) throw unknownWord("benchmark", name, Object.keys(benchmarks));
          const chosenSeed = seed ?? Math.floor(Math.random() * 2 ** 31);
          const { bench } = await entry.load();
          const figures = await bench.run({ reporter: context.reporter, seed: chosenSeed, signal: context.signal });
          const result = benchResult(name, chosenSeed, figures);
          // The format of a benchmark is its own, without the envelope of events.
          process.stdout.write(context.options.json ? `${JSON.stringify(result)}\n` : `${benchTable(result)}\n`);
          return exitCodes.done;
        }),
      );
  },
};
