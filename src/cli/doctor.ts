import { exitCodes } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";
import { mustKnow, unknownWord } from "./usage.ts";

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
          const [{ checkHere }, { checkHypervisor }, { checkMachine }, { checkLine }, { openSecrets }] =
            await Promise.all([
              import("../doctor/local.ts"),
              import("../doctor/hypervisor.ts"),
              import("../doctor/machine.ts"),
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
          const here = await checkHere(team);
          const secretsOpen = here.every(({ name, state }) => name !== "secrets" || state === "ok");
          const secrets = secretsOpen ? await openSecrets(team) : undefined;
          const there =
            secrets === undefined
              ? []
              : await Promise.all([
                  ...hypervisors.map((hypervisor) => checkHypervisor(hypervisor, team, secrets, signal)),
                  ...machines.map((machine) => checkMachine(machine, team, secrets, signal)),
                ]);
          const all = [...here, ...there.flat()];
          const checks = all.filter(({ name }) => only === undefined || name === only);
          if (only !== undefined && checks.length === 0)
            throw unknownWord("check", only, [...new Set(all.map(({ name }) => name))]);
          const bad = checks.filter(({ state }) => state === "fail").length;
          const sum =
            bad === 0 ? `${checks.length} checks, nothing is wrong.` : `${checks.length} checks, ${bad} failed.`;
          reporter.result([...checks.map(checkLine), sum].join("\n"), { type: "doctor", checks, failed: bad });
          return bad === 0 ? exitCodes.done : exitCodes.failed;
        }),
      );
  },
};
