import { mkdirSync } from "node:fs";
import { openSecrets } from "../../secrets/store.ts";
import { stateDir } from "../base/paths.ts";
import { pulumiEnv, shellExports, toolchain, writePassphrase } from "../toolchain/index.ts";
import type { CliCommand } from "./command.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("env")
      .description("print what a plain pulumi needs: PATH, state, passphrase file, plugins")
      .addHelpText("before", 'Example: eval "$(npx olympus env)"  and then  pulumi preview -s r420\n')
      .action(
        run(async (context) => {
          const team = await context.loadTeam();
          const secrets = await openSecrets(team);
          const file = writePassphrase(team, secrets.require("pulumi.passphrase"));
          const variables = pulumiEnv(team, toolchain(), file);
          // Pulumi makes the files of a local backend, but not its folder.
          if (variables.PULUMI_BACKEND_URL?.startsWith("file://"))
            mkdirSync(stateDir(team.name, "pulumi"), { recursive: true });
          context.reporter.result(shellExports(variables), { type: "env", variables });
          return 0;
        }),
      );
  },
};
