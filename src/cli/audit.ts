import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes } from "../base/errors.ts";
import type { AuditCheck } from "../status/audit.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { CliCommand } from "./command.ts";
import { table } from "./table.ts";

/** `olympus audit verify|export`: whether the agents' audit logs are whole, and what stands in them. */
export const command: CliCommand = {
  register(program, run) {
    const audit = program
      .command("audit")
      .description("Every agent's log of what it did and why, in which nothing can be changed unseen.")
      .addHelpText("before", "  npx olympus audit verify\n  npx olympus audit export athena > athena.jsonl\n");
    audit
      .command("verify")
      .argument("[agent...]", "only these")
      .description("compares every entry with its hash, and the log with the heads that the team was told in the chat")
      .addHelpText("before", "  npx olympus audit verify\n  npx olympus audit verify athena --json\n")
      .action(
        run(async ({ reporter, loadTeam, signal }, names: string[]) => {
          const team = await loadTeam();
          const { openSecrets } = await import("../../secrets/store.ts");
          const checks = await verifyAll(team, await openSecrets(team), names, signal);
          reporter.result(shown(checks), { type: "audit", agents: checks });
          if (checks.some(({ breaks }) => breaks.length > 0)) return exitCodes.failed;
          return checks.some(({ unreached }) => unreached !== undefined) ? exitCodes.unreachable : exitCodes.done;
        }),
      );
    audit
      .command("export")
      .argument("<agent>", "whose log")
      .description("prints the log, one entry a line, with the hash of each")
      .addHelpText("before", "  npx olympus audit export athena > athena.jsonl\n")
      .action(
        run(async ({ loadTeam, signal, reporter }, name: string) => {
          const team = await loadTeam();
          const [{ openSecrets }, { agentsNamed }, { readAudit }] = await Promise.all([
            import("../../secrets/store.ts"),
            import("../status/ask-dashboard.ts"),
            import("../status/audit.ts"),
          ]);
          const [machine] = agentsNamed(team, [name]);
          const unreached = await readAudit(machine!, await openSecrets(team), signal, ({ seq, entry, hash }) => {
            process.stdout.write(`${JSON.stringify({ seq, entry, hash })}\n`);
            return true;
          });
          if (unreached === undefined) return exitCodes.done;
          reporter.warn(`${name}: ${unreached}`);
          return exitCodes.unreachable;
        }),
      );
  },
};

async function verifyAll(
  team: LoadedTeam,
  secrets: SecretStore,
  names: readonly string[],
  signal: AbortSignal,
): Promise<AuditCheck[]> {
  const [{ agentsNamed }, { verifyAudit }, { operationsPosts }, { headsOf }] = await Promise.all([
    import("../status/ask-dashboard.ts"),
    import("../status/audit.ts"),
    import("../bootstrap/told-heads.ts"),
    import("../status/audit-heads.ts"),
  ]);
  const machines = agentsNamed(team, names);
  const posts = await operationsPosts(team, secrets, signal);
  return Promise.all(
    machines.map(async (machine) => {
      const { heads, breaks } = headsOf(machine.name, posts);
      const check = await verifyAudit(machine, secrets, heads, signal);
      return { ...check, breaks: [...breaks, ...check.breaks] };
    }),
  );
}

function shown(checks: readonly AuditCheck[]): string {
  const rows = checks
    .filter(({ unreached }) => unreached === undefined)
    .map(({ agent, entries, heads, breaks, head }) => {
      const state = breaks.length === 0 ? "whole" : "CHANGED";
      return [agent, state, String(entries), String(heads), head.slice(0, 16)];
    });
  return [
    ...(rows.length === 0 ? [] : [table(["agent", "log", "entries", "heads told", "head now"], rows, [2, 3])]),
    ...checks.flatMap(({ agent, breaks }) => breaks.map(({ seq, what }) => `${agent}, entry ${seq}: ${what}`)),
    ...checks.flatMap(({ agent, unreached }) =>
      unreached === undefined ? [] : [`${agent}: not checked, ${unreached}`],
    ),
  ].join("\n");
}
