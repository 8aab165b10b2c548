import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { onOwnKernel } from "../../test/support/own-kernel.ts";
import type { Printed } from "../../test/support/sandbox-program.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { withStep } from "../base/report.ts";
import { neededControllers } from "../harness/sandbox/cgroup.ts";
import { type Benchmark, type Figure, median } from "./bench.ts";

const times = 60;
const nobody = 65534;
/** What must leave nothing behind; see test/support/sandbox-probes.ts. */
const hostile = [
  "forkBomb",
  "flood",
  "daemon",
  "daemons",
  "sleeps",
  "deaf",
  "killsAll",
  "secrets",
  "processes",
  "network",
];

export const bench: Benchmark = {
  name: "sandbox",
  summary: "what the sandbox costs a command, and what hostile commands leave behind",

  async run({ reporter }): Promise<Record<string, Figure>> {
    const { bare, prepared, unprepared, controllers } = await withStep(
      reporter,
      `${times} commands, bare and in the sandbox`,
      async () => {
        const value = await overhead();
        return { value, summary: `${median(value.bare).toFixed(1)} and ${median(value.prepared).toFixed(1)} ms` };
      },
    );
    const left = await withStep(reporter, `${hostile.length} hostile commands`, async () => {
      const value = await leftovers();
      return { value, summary: value.length === 0 ? "left nothing" : value.join(", ") };
    });
    const note =
      controllers.length === neededControllers.length
        ? `median of ${times}, in turns`
        : `median of ${times}, in turns; control groups without ${neededControllers.filter((name) => !controllers.includes(name)).join(", ")} on this machine`;
    return {
      overhead_ms: { value: median(prepared) - median(bare), unit: "ms", bound: 8, better: "lower", note },
      bare_ms: { value: median(bare), unit: "ms", better: "lower" },
      sandboxed_ms: {
        value: median(prepared),
        unit: "ms",
        better: "lower",
        note: "its namespaces and mounts made while the model thinks, as the loop does it",
      },
      unprepared_ms: {
        value: median(unprepared),
        unit: "ms",
        better: "lower",
        note: "made after the command is known: further commands of one answer",
      },
      leftovers: {
        value: left.length,
        unit: "things",
        bound: 0,
        better: "lower",
        note: `processes, groups, mounts, files, shared memory after ${hostile.length} hostile commands, in user-mode Linux`,
      },
    };
  },
};

/** Milliseconds of each command. */
type Overhead = Readonly<Record<"bare" | "prepared" | "unprepared", number[]>>;

/** On this machine's own kernel, as an unprivileged user in a control group that is made for it and removed again. */
async function overhead(): Promise<Overhead & { controllers: string[] }> {
  const mount = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2")?.[1];
  if (process.getuid?.() !== 0 || mount === undefined) {
    throw new OlympusError("this benchmark makes a control group of version 2", {
      code: "E-ROOT",
      exit: exitCodes.usage,
      hint: "Run it as root on a machine that has /sys/fs/cgroup with version 2.",
    });
  }
  const group = join(mount, `olympus-bench-${process.pid}`);
  const data = mkdtempSync(join(tmpdir(), "olympus-bench-"));
  mkdirSync(group);
  try {
    const controllers = readFileSync(join(group, "cgroup.controllers"), "utf8")
      .trim()
      .split(" ")
      .filter((name) => neededControllers.some((needed) => needed === name));
    for (const path of [
      data,
      group,
      ...["procs", "subtree_control", "threads"].map((name) => join(group, `cgroup.${name}`)),
    ])
      chownSync(path, nobody, nobody);
    const node = join(projectRoot, "node_modules/.bin/node");
    const program = join(projectRoot, "test/support/sandbox-overhead.ts");
    const { stdout } = await execa(
      "sh",
      [
        "-c",
        'echo 0 > "$1/cgroup.procs"; shift; exec "$@"',
        ...["sh", group, "setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--no-new-privs"],
        ...[node, program, String(times), controllers.join(",")],
      ],
      { env: { DATA: data, HOME: data } },
    );
    const line = stdout.split("\n").find((one) => one.startsWith("@@"));
    if (line === undefined) throw new Error(`the measurement printed nothing: ${stdout.slice(-500)}`);
    return { ...(JSON.parse(line.slice(2)) as Overhead), controllers };
  } finally {
    for (const folder of ["commands", "harness", "."]) {
      const path = join(group, folder);
      if (existsSync(path)) rmdirSync(path);
    }
    rmSync(data, { recursive: true });
  }
}

async function leftovers(): Promise<string[]> {
  const [printed = []] = (await onOwnKernel([
    { program: ["test/support/sandbox-program.ts", ...hostile] },
  ])) as Printed[][];
  const results = printed.flatMap((line) => ("name" in line ? [line] : []));
  if (results.length !== hostile.length)
    throw new Error(`not every command was run: ${JSON.stringify(printed).slice(-500)}`);
  return results.flatMap(({ name, left }) => left.map((one) => `${name}: ${one}`));
}
