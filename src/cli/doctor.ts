import { exitCodes } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("doctor")
      .argument("[hypervisor...]", "only these, beside this computer")
      .option("--only <check>", "one check, such as bridge")
      .description("try what later steps need, and say what mends it; changes nothing")
      .addHelpText("before", "Example: olympus doctor r420 --only bridge\n")
      .action(
        run(async ({ reporter, loadTeam, signal }, names: string[], { only }: { only?: string }) => {
          const [{ checkHere }, { checkHypervisor }, { checkLine }, { openSecrets }] = await Promise.all([
            import("../doctor/local.ts"),
            import("../doctor/hypervisor.ts"),
            import("../doctor/check.ts"),
            import("../../secrets/store.ts"),
          ]);
          const team = await loadTeam();
          const wanted = team.hypervisors.filter(({ name }) => names.length === 0 || names.includes(name));
          const here = await checkHere(team);
          const secretsOpen = here.every(({ name, state }) => name !== "secrets" || state === "ok");
          const secrets = secretsOpen ? await openSecrets(team) : undefined;
          const there =
            secrets === undefined
              ? []
              : await Promise.all(wanted.map((hypervisor) => checkHypervisor(hypervisor, team, secrets, signal)));
          const checks = [...here, ...there.flat()].filter(({ name }) => only === undefined || name === only);
          const bad = checks.filter(({ state }) => state === "fail").length;
          const sum =
            bad === 0 ? `${checks.length} checks, nothing is wrong.` : `${checks.length} checks, ${bad} failed.`;
          reporter.result([...checks.map(checkLine), sum].join("\n"), { type: "doctor", checks, failed: bad });
          return bad === 0 ? exitCodes.done : exitCodes.failed;
        }),
      );
  },
};
