import { join } from "node:path";
import { OlympusErrors } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { plural } from "../base/plural.ts";
import { projectCatalogue } from "../converge/catalogue.ts";
import { wrongParams } from "../converge/params.ts";
import type { Fit, HypervisorCapacity, Usage } from "../team/capacity.ts";
import { growthOf } from "../team/growth.ts";
import { shownPath } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import { type CapacityPlan, planOf } from "../team/plan.ts";
import { TeamProblems } from "../team/problems.ts";
import { gigabytes } from "../team/sizes.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { growthText } from "./plan-growth.ts";
import { table } from "./table.ts";
import { mustKnow, wholeNumber } from "./usage.ts";

interface Options {
  readonly agents?: number;
  readonly template?: string;
}

/** `olympus plan`: pure capacity. Asks no machine anything. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("plan")
      .argument("[hypervisor...]", "hypervisors to show; all when none is named")
      .option("--agents <number>", "how it would stand with so many agents, and what ends first", wholeNumber)
      .option("--template <name>", "what those would be that are added; as most are unless given")
      .description("Shows what the team's machines take of each hypervisor, and how many more would fit.")
      .addHelpText(
        "before",
        [
          "  npx olympus plan",
          "  npx olympus plan r820",
          "  npx olympus plan --agents 20                    what ends first?",
          "  npx olympus plan --agents 20 --template heavy",
          "  npx olympus plan --json | jq .agents\n",
        ].join("\n"),
      )
      .action(
        run(async (context, names: string[], options: Options) => {
          const { team, problems } = await loadCrowded(() => context.loadTeam());
          const known = team.hypervisors.map(({ name }) => name);
          if (ofLab(context, team.file)) context.reporter.info(`team file of the lab that is up: ${team.file}`);
          for (const name of names) mustKnow("hypervisor", name, known);
          if (options.template !== undefined) mustKnow("template", options.template, Object.keys(team.team.templates));
          if (options.agents === undefined) {
            const plan = planOf(team, names);
            context.reporter.result(planText(plan, names.length > 0), { type: "plan", ...plan });
          } else {
            const growth = growthOf(team, options.agents, options.template, names);
            context.reporter.result(growthText(growth), { type: "growth", ...growth });
          }
          const wrong = await wrongParams(team, projectCatalogue(team.file));
          if (wrong.length > 0) {
            const all = [...(problems?.errors ?? []), ...wrong];
            const count = plural(all.length, "problem");
            throw new OlympusErrors(`${shownPath(team.file)}: ${count}; nothing was asked of any machine`, all);
          }
          if (problems !== undefined) throw problems;
          return undefined;
        }),
      );
  },
};

/** Nobody named a file, and it is not the folder's, of which people think: the lab that is up brought its own. */
function ofLab({ options }: CommandContext, file: string): boolean {
  return options.team === undefined && !process.env.OLYMPUS_TEAM && file !== join(projectRoot, "team.yaml");
}

/** An overcommitted team is shown all the same; its problems come after the table. */
async function loadCrowded(
  load: () => Promise<LoadedTeam>,
): Promise<{ team: LoadedTeam; problems: TeamProblems | undefined }> {
  try {
    return { team: await load(), problems: undefined };
  } catch (error) {
    if (error instanceof TeamProblems && error.team !== undefined) return { team: error.team, problems: error };
    throw error;
  }
}

/** The plan as a person reads it; `machines` adds the VMs of each hypervisor. */
export function planText(plan: CapacityPlan, machines: boolean): string {
  const templates = Object.keys(plan.fits);
  const hosts = table(
    ["hypervisor", "VMs", "memory GB", "", "disk GB", "", "vCPU", ...templates.map((name) => `+${name}`)],
    [
      ...plan.hypervisors.map((host) => [
        host.name,
        both(host.agents.vms, host.services.vms),
        ...share(host, "memory"),
        ...share(host, "disk"),
        `${both(host.agents.vcpu, host.services.vcpu)} of ${host.offered.vcpu}`,
        ...templates.map((name) => fitText(host.fits[name])),
      ]),
      [
        "together",
        both(plan.agents.vms, plan.services.vms),
        ...share(plan, "memory"),
        ...share(plan, "disk"),
        `${both(plan.agents.vcpu, plan.services.vcpu)} of ${plan.offered.vcpu}`,
        ...templates.map((name) => String(plan.fits[name])),
      ],
    ],
    [3, 5],
  );
  const parts = [hosts, legend, table(...sums(plan))];
  if (machines) parts.push(machineTable(plan));
  return parts.join("\n\n");
}

const legend = [
  "a + b: agents + services. +light: how many more would fit beside what is there,",
  "and what runs out first.",
  "memory and disk are shown of what the hardware has, vCPU of what policy allows;",
  "the host's reserve is kept when counting what fits.",
].join("\n");

function both(agents: number | string, services: number | string): string {
  return String(services) === "0" ? String(agents) : `${agents} + ${services}`;
}

function share(
  { total, agents, services, used }: Pick<HypervisorCapacity, "total" | "agents" | "services" | "used">,
  what: "memory" | "disk",
): [string, string] {
  return [
    `${both(gigabytes(agents[what]), gigabytes(services[what]))} of ${gigabytes(total[what])}`,
    percent(used[what], total[what]),
  ];
}

function fitText(fit: Fit | undefined): string {
  return fit === undefined ? "" : `${fit.count} (${fit.limit === "vcpu" ? "vCPU" : fit.limit})`;
}

function sums(plan: CapacityPlan): Parameters<typeof table> {
  const line = (name: string, usage: Usage): string[] => [
    name,
    `${usage.vms}`,
    `${gigabytes(usage.memory)} of ${gigabytes(plan.total.memory)} GB`,
    percent(usage.memory, plan.total.memory),
    `${gigabytes(usage.disk)} of ${gigabytes(plan.total.disk)} GB`,
    percent(usage.disk, plan.total.disk),
    `${usage.vcpu}`,
  ];
  return [
    ["", "VMs", "memory", "", "disk", "", "vCPU"],
    [line("agents", plan.agents), line("services", plan.services), line("together", plan.used)],
    [1, 3, 5, 6],
  ];
}

function machineTable(plan: CapacityPlan): string {
  return table(
    ["machine", "kind", "on", "memory GB", "disk GB", "vCPU"],
    plan.hypervisors.flatMap(({ demands }) =>
      demands.map(({ name, kind, hypervisor, memory, disk, vcpu }) => [
        name,
        kind,
        hypervisor,
        gigabytes(memory),
        gigabytes(disk),
        String(vcpu),
      ]),
    ),
    [3, 4, 5],
  );
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "" : `${Math.round((part / whole) * 100)} %`;
}
