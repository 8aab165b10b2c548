import { openSecrets } from "../secrets/store.ts";
import { exitCodes } from "../src/base/errors.ts";
import { applyRoles } from "../src/converge/run.ts";
import { errorText } from "../src/machines/error-text.ts";
import { loadTeam } from "../src/team/load.ts";
import { rolesWithMachines } from "./roles.ts";

// What the resource of roles-command.ts runs, by Pulumi's plugin, in the project's environment: the machines are its arguments.
const team = await loadTeam(process.env.OLYMPUS_TEAM!);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const failures = await rolesWithMachines(team, await openSecrets(team), process.argv.slice(2), applyRoles, {
  info: say,
  warn: say,
});
for (const failure of failures) say(errorText(failure));
process.exitCode = failures.length > 0 ? exitCodes.failed : exitCodes.done;
