import { messageOf } from "../base/errors.ts";
import type { Benchmark, BenchOptions, Figure } from "./bench.ts";
import { applyFigures } from "./roles-apply.ts";
import { openRolesLab, type RolesLab } from "./roles-lab.ts";
import { manyFigures } from "./roles-many.ts";
import { noopFigures } from "./roles-noop.ts";
import { openPeers } from "./roles-peers.ts";
import type { Tool } from "./roles-tools.ts";
import { uploadFigure } from "./roles-upload.ts";

const parts = ["noop", "upload", "many", "apply"] as const;

/**
 * Roles on lab machines beside pyinfra and Ansible, all of them on the same machines in one run. `OLYMPUS_BENCH_PARTS=noop,apply`
 * leaves the other parts out, `OLYMPUS_BENCH_PEERS=pyinfra` the other peers, `OLYMPUS_BENCH_ROUNDS` says how often each is measured
 * (5 unless given).
 */
export const bench: Benchmark = {
  name: "roles",
  summary: "forty operations with nothing to do and for the first time, beside pyinfra and Ansible",
  async run(options): Promise<Record<string, Figure>> {
    const rounds = Number(process.env.OLYMPUS_BENCH_ROUNDS ?? 5);
    const wanted = process.env.OLYMPUS_BENCH_PARTS?.split(",") ?? parts;
    const figures = await withLab(8, options, async (lab) => {
      const withPeers = wanted.includes("noop") || wanted.includes("apply");
      const { pyinfra, mitogen, ansible } = withPeers ? await peersOf(lab, options) : {};
      const named = process.env.OLYMPUS_BENCH_PEERS?.split(",");
      const some = (...tools: (Tool | undefined)[]): Tool[] =>
        tools.filter((tool): tool is Tool => tool !== undefined && (named?.includes(tool.name) ?? true));
      return {
        ...(wanted.includes("noop") && (await noopFigures(lab, some(pyinfra, mitogen, ansible), rounds, options))),
        ...(wanted.includes("upload") && (await uploadFigure(lab, rounds, options))),
        ...(wanted.includes("apply") && (await applyFigures(lab, some(pyinfra, ansible), rounds, options))),
      };
    });
    const many = wanted.includes("many") && (await withLab(30, options, (lab) => manyFigures(lab, options)));
    return { ...figures, ...many };
  },
};

/** A team of so many hosts, for as long as `work` takes: the team file and its secrets are read with every command. */
async function withLab<T>(hosts: number, { signal }: BenchOptions, work: (lab: RolesLab) => Promise<T>): Promise<T> {
  const lab = await openRolesLab(hosts, signal);
  try {
    return await work(lab);
  } finally {
    await lab.close();
  }
}

async function peersOf(
  lab: RolesLab,
  { reporter, signal }: BenchOptions,
): Promise<Partial<Awaited<ReturnType<typeof openPeers>>>> {
  try {
    return await openPeers(lab, signal);
  } catch (error) {
    signal.throwIfAborted();
    reporter.warn(`no peer is measured: ${messageOf(error).split("\n")[0]}`);
    return {};
  }
}
