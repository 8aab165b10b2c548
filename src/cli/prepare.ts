import { Option } from "commander";
import { exitCodes } from "../base/errors.ts";
import { withStep } from "../base/report.ts";
import { debianPackages, installPackages, missingPackages } from "../prerequisites/packages.ts";
import type { CliCommand } from "./command.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("prepare")
      .addOption(
        new Option("--for <purpose>", "unit tests need one package, all tests need more")
          .choices(["lab", "unit", "tests"])
          .default("lab"),
      )
      .description("install what this computer needs: Debian packages and tools")
      .addHelpText("before", "  npx olympus prepare\n  npx olympus prepare --for tests\n")
      .action(
        run(async ({ reporter, confirm, signal }, options: { for: "lab" | "unit" | "tests" }) => {
          const { lab, tools, unit, tests } = debianPackages;
          const wanted = { lab: [...lab, ...tools], unit, tests: [...lab, ...tools, ...unit, ...tests] }[options.for];
          const missing = await missingPackages(wanted);
          if (
            missing.length > 0 &&
            !(await confirm(`Install ${missing.length} Debian packages (${missing.join(" ")})?`))
          ) {
            return exitCodes.confirmation;
          }
          const step = reporter.step("packages");
          await installPackages(missing, step, signal);
          step.done(missing.length === 0 ? "as they were" : `${missing.length} installed`);
          if (options.for === "unit") return exitCodes.done;
          const { ensureTools } = await import("../toolchain/index.ts");
          const paths = await withStep(reporter, "tools", async () => {
            return { value: await ensureTools({ reporter, signal }), summary: "ready" };
          });
          reporter.result("Everything is in place. Next: npx olympus lab up", { type: "prepare", ...paths });
          return exitCodes.done;
        }),
      );
  },
};
