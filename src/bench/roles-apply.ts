import { quote } from "../base/quote.ts";
import type { LabMachine } from "../lab/index.ts";
import { type BenchOptions, type Figure, median } from "./bench.ts";
import { loadNote, othersWork } from "./load.ts";
import { inside, type RolesLab } from "./roles-lab.ts";
import { benchOperations } from "./roles-operations.ts";
import { olympusTool, seconds, type Tool } from "./roles-tools.ts";

/** The first apply of the forty operations, each time on a new machine, packages from a cache on this computer. */
export async function applyFigures(
  lab: RolesLab,
  peers: readonly Tool[],
  rounds: number,
  { reporter, signal }: BenchOptions,
): Promise<Record<string, Figure>> {
  const tools = [olympusTool(lab, signal), ...peers];
  const whole = new Map<string, number[]>(tools.map(({ name }) => [name, []]));
  const besidesApt = new Map<string, number[]>(tools.map(({ name }) => [name, []]));
  const others: number[] = [];
  const step = reporter.step("first apply");
  // The first machine fills the cache and is not counted.
  await olympusTool(lab, signal).run([await newMachine(lab)]);
  for (let round = 0; round < rounds; round += 1) {
    others.push(await othersWork(signal));
    for (const tool of tools) {
      const machine = await newMachine(lab);
      const took = await seconds(() => tool.run([machine]));
      const apt = await aptSeconds(machine);
      whole.get(tool.name)!.push(took);
      besidesApt.get(tool.name)!.push(took - apt);
      step.update(`${tool.name} ${took.toFixed(1)} s, of which apt ${apt.toFixed(1)} s`);
    }
  }
  const own = median(whole.get("olympus")!);
  step.done(`${own.toFixed(1)} s`);
  const note = loadNote(others);
  const ratio = (name: string, times: ReadonlyMap<string, number[]>, bound: number): Figure => {
    const peer = times.get(name);
    if (peer === undefined)
      return { value: 0, unit: "x", bound, better: "higher", note: "peer not measured in this run" };
    const ours = median(times.get("olympus")!);
    const said = `${median(peer).toFixed(1)} s to ${ours.toFixed(1)} s`;
    return {
      value: median(peer) / ours,
      unit: "x",
      bound,
      better: "higher",
      note: [said, note].filter(Boolean).join("; "),
    };
  };
  return {
    apply_ratio_pyinfra: ratio("pyinfra", whole, 2),
    apply_ratio_ansible: ratio("ansible", whole, 5),
    apply_ratio_pyinfra_without_apt: ratio("pyinfra", besidesApt, 2),
    apply_ratio_ansible_without_apt: ratio("ansible", besidesApt, 5),
  };
}

/** A machine as new, with a clock on apt-get. */
async function newMachine(lab: RolesLab): Promise<LabMachine> {
  const machine = await lab.fresh();
  const clock = `#!/bin/sh
begun=$(date +%s%N)
/usr/bin/apt-get.real "$@"
code=$?
echo $(( ($(date +%s%N) - begun) / 1000000 )) >>/run/apt-get.ms
exit $code
`;
  const names = benchOperations.flatMap((one) => (one.kind === "package" ? one.names : []));
  await inside(
    machine,
    `! dpkg -s ${names.join(" ")} 2>/dev/null | grep -q '^Status: install ok'
mv /usr/bin/apt-get /usr/bin/apt-get.real
printf '%s' ${quote(clock)} >/usr/bin/apt-get
chmod 755 /usr/bin/apt-get`,
  );
  return machine;
}

async function aptSeconds(machine: LabMachine): Promise<number> {
  const text = await inside(machine, "cat /run/apt-get.ms");
  return text.split("\n").reduce((sum, line) => sum + Number(line), 0) / 1000;
}
