import { exitCodes } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("status")
      .argument("[host...]", "only these, also when they are fine")
      .option("--all", "also those that are fine")
      .description("ask every host how it is; what needs you comes first")
      .addHelpText("before", "  npx olympus status\n  npx olympus status athena\n  npx olympus status --all\n")
      .action(
        run(async ({ reporter, loadTeam, signal }, names: string[], { all = names.length > 0 }: { all?: boolean }) => {
          const [{ teamStatus }, { openSecrets }, { labStatus }] = await Promise.all([
            import("../status/status.ts"),
            import("../../secrets/store.ts"),
            import("../lab/index.ts"),
          ]);
          const team = await loadTeam();
          const started = performance.now();
          const hosts = await teamStatus(team, await openSecrets(team), signal, names);
          const seconds = ((performance.now() - started) / 1000).toFixed(1);
          const order = { broken: 0, unreachable: 1, fine: 2 };
          const sorted = [...hosts].sort((a, b) => order[a.state] - order[b.state]);
          const width = Math.max(...hosts.map(({ name }) => name.length));
          const shown = sorted.filter(({ state }) => all || state !== "fine");
          const fine = hosts.filter(({ state }) => state === "fine").map(({ name }) => name);
          const lines = shown.map(({ name, state, detail, next }) =>
            `${state.padEnd(11)} ${name.padEnd(width)}  ${detail}${next === "" ? "" : `   ${next}`}`.trimEnd(),
          );
          const sum =
            fine.length === hosts.length
              ? `${hosts.length === 1 ? `${fine[0]} is fine` : `All ${hosts.length} hosts are fine: ${fine.join(", ")}`}. Asked in ${seconds} s.`
              : `${fine.length} of ${hosts.length} hosts are fine. Asked in ${seconds} s.`;
          const rehearsal =
            team.team.defaults.models[0]?.provider === "rehearsal"
              ? ["The model is a rehearsal: docs/how-to/real-model.md."]
              : [];
          const lab = await labStatus();
          // After a restart of this computer, say: the team file is the lab's, and nothing of it runs.
          const down = lab.team === team.file && !lab.up;
          const cause = down ? [`The lab of this team is not ${lab.network ? "whole" : "up"}: npx olympus lab up`] : [];
          reporter.result([...cause, ...lines, sum, ...rehearsal].join("\n"), {
            type: "status",
            hosts: sorted,
            ...(down ? { lab: "down" } : {}),
          });
          if (fine.length === hosts.length) return exitCodes.done;
          return hosts.some(({ state }) => state === "unreachable") ? exitCodes.unreachable : exitCodes.failed;
        }),
      );
  },
};
