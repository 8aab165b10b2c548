import { exitCodes } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import { checkNames } from "../doctor/check.ts";
import type { CliCommand } from "./command.ts";
import { mustKnow, usageError } from "./usage.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("doctor")
      .argument("[host...]", "hypervisors or machines to try, beside this computer; without one, every hypervisor")
      .option("--only <check>", "one check, such as bridge")
      .description("try what later steps need, and say what mends it; changes nothing")
      .addHelpText(
        "before",
        "  npx olympus doctor\n  npx olympus doctor r420 --only bridge\n  npx olympus doctor athena\n",
      )
      .action(
        run(async ({ reporter, loadTeam, signal }, names: string[], { only }: { only?: string }) => {
          const [
            { checkHere },
            { checkHypervisor },
            { checkMachine },
            { checkProtection, checkReviewTokens },
            { checkLine },
            { openSecrets },
          ] = await Promise.all([
            import("../doctor/local.ts"),
            import("../doctor/hypervisor.ts"),
            import("../doctor/machine.ts"),
            import("../doctor/protection.ts"),
            import("../doctor/check.ts"),
            import("../../secrets/store.ts"),
          ]);
          const team = await loadTeam();
          const known = [...team.hypervisors, ...team.machines].map(({ name }) => name);
          for (const name of names) mustKnow("host", name, known);
          const machines = team.machines.filter(({ name }) => names.includes(name));
          // What ails a machine is often its hypervisor's.
          const carriers = machines.map((machine) => machine.hypervisor);
          const hypervisors = team.hypervisors.filter(
            ({ name }) => names.length === 0 || names.includes(name) || carriers.includes(name),
          );
          if (only !== undefined) mustKnow("check", only, checkNames);
          const here = await checkHere(team);
          const secretsOpen = here.every(({ name, state }) => name !== "secrets" || state === "ok");
          const secrets = secretsOpen ? await openSecrets(team) : undefined;
          const there =
            secrets === undefined
              ? []
              : await Promise.all([
                  ...hypervisors.map((hypervisor) => checkHypervisor(hypervisor, team, secrets, signal)),
                  ...machines.map((machine) => checkMachine(machine, team, secrets, signal)),
                  ...(names.length === 0
                    ? [checkProtection(team, secrets, signal), checkReviewTokens(team, secrets)]
                    : []),
                ]);
          const all = [...here, ...there.flat()];
          const wanted = all.filter(({ name }) => only === undefined || name === only);
          // One that was not come to: what is in its way is told instead.
          const checks = wanted.length > 0 ? wanted : all.filter(({ state }) => state === "fail");
          if (checks.length === 0)
            throw usageError(`none of these hosts has the check "${only}"`, `npx olympus doctor <host> --only ${only}`);
          const bad = checks.filter(({ state }) => state === "fail").length;
          const tried = plural(checks.length, "check");
          const sum = bad === 0 ? `${tried}, nothing is wrong.` : `${tried}, ${bad} failed.`;
          reporter.result([...checks.map(checkLine), sum].join("\n"), { type: "doctor", checks, failed: bad });
          return bad === 0 ? exitCodes.done : exitCodes.failed;
        }),
      );
  },
};
