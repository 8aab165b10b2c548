import { execa } from "execa";
import { silentReporter } from "../base/report.ts";
import { projectCatalogue } from "../converge/catalogue.ts";
import { applyRoles } from "../converge/run.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshTarget } from "../ssh/connection.ts";
import type { BenchOptions, Figure } from "./bench.ts";
import type { RolesLab } from "./roles-lab.ts";
import { olympusTool } from "./roles-tools.ts";

/** Prints the most memory that the process ever had, as its last line. */
const tellMemory = `data:text/javascript,process.on("exit",()=>process.stderr.write("\\nmaxrss "+process.resourceUsage().maxRSS))`;

/** Thirty hosts at once: all of them behind one jump host with sshd's own limits, and the memory that looking at them takes. */
export async function manyFigures(lab: RolesLab, { reporter, signal }: BenchOptions): Promise<Record<string, Figure>> {
  const step = reporter.step("thirty hosts");
  step.update("starting them");
  const own = olympusTool(lab, signal);
  await lab.converged(8, (first) => own.run([first]));
  const hosts = await lab.aliases(30);
  const jump = await lab.fresh();
  const via: SshTarget = {
    name: jump.name,
    address: jump.address,
    port: 22,
    user: "agent",
    hostKey: jump.hostKey,
    pinnedIn: "bench",
    privateKey: lab.secrets.require("ssh.deploy.private"),
  };
  step.update("through a jump host");
  const { hosts: results } = await applyRoles({
    team: lab.team,
    secrets: lab.secrets,
    action: "check",
    roles: ["bench"],
    hosts,
    reporter: silentReporter(),
    signal,
    parallel: 30,
    catalogue: projectCatalogue(lab.team.file),
    connect: (target, stop) => connectSsh({ ...target, via }, stop),
  });
  const refused = results.filter(({ state }) => state === "failed");
  step.update("whole command");
  const [program = "", ...args] = lab.command;
  const words = ["--import", tellMemory, ...args, "check", "bench", "--host", hosts.join(",")];
  const { stderr } = await execa(program, words, { env: lab.env, cancelSignal: signal, reject: false });
  const memory = Number(/\nmaxrss (\d+)$/.exec(stderr)?.[1]) * 1024;
  step.done(`${refused.length} refused, ${(memory / 1e6).toFixed(0)} MB`);
  return {
    refused_of_30: {
      value: refused.length,
      unit: "hosts",
      bound: 0,
      better: "lower",
      note:
        refused.length === 0
          ? "one jump host, stock MaxStartups; eight machines with thirty addresses"
          : `${refused[0]!.error?.message}`,
    },
    rss_30_mb: { value: memory / 1e6, unit: "MB", bound: 150, better: "lower", note: "role check, whole process" },
  };
}
