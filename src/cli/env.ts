import { openSecrets } from "../../secrets/store.ts";
import {
  prepareStacks,
  pulumiEnv,
  refuseLabState,
  shellExports,
  toolchain,
  writePassphrase,
} from "../toolchain/index.ts";
import type { CliCommand } from "./command.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("env")
      .description("print what a plain pulumi needs: PATH, state, passphrase file, plugins")
      .addHelpText("before", '  eval "$(npx olympus env)"     for this shell; then:\n  pulumi preview -s r420\n')
      .action(
        run(async (context) => {
          const team = await context.loadTeam();
          const secrets = await openSecrets(team);
          const tools = toolchain();
          const file = writePassphrase(team, secrets.require("pulumi.passphrase"));
          const variables = pulumiEnv(team, tools, file);
          refuseLabState(team, variables.PULUMI_BACKEND_URL ?? "");
          const { reporter, signal } = context;
          const stacks = team.hypervisors.map(({ name }) => name);
          await prepareStacks({ stacks, pulumi: tools.pulumi, variables, reporter, signal });
          context.reporter.result(shellExports(variables), { type: "env", variables });
          return 0;
        }),
      );
  },
};
