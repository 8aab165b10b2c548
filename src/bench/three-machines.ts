import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parseDocument } from "yaml";
import { projectRoot } from "../base/paths.ts";
import type { BenchOptions } from "./bench.ts";

export interface Bench3 {
  /** Variables of `olympus env`, for a plain pulumi. */
  readonly env: Record<string, string>;
  readonly stack: string;
}

/** Runs `work` beside a lab of its own in which the stack r420 has three small VMs, up and ready; removes all of it afterwards. */
export async function withThreeMachines<T>(
  { signal }: Pick<BenchOptions, "reporter" | "signal">,
  work: (bench: Bench3) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "olympus-three-"));
  const env = { OLYMPUS_STATE: join(folder, "state") };
  const olympus = (args: string[]): Promise<{ stdout: string }> =>
    execa(join(projectRoot, "scripts/olympus"), args, { env, stderr: "inherit", cancelSignal: signal });
  try {
    const file = join(folder, "team.yaml");
    await writeFile(file, await threeMachineTeam());
    await olympus(["lab", "up", "--team", file, "--yes"]);
    await olympus(["up", "r420", "--yes"]);
    const { stdout } = await olympus(["env", "--json"]);
    // Events of its steps come before the result.
    const { variables } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { variables: Record<string, string> };
    return await work({ env: { ...env, ...variables }, stack: "r420" });
  } finally {
    await execa(join(projectRoot, "scripts/olympus"), ["lab", "down"], { env, stderr: "inherit" });
    await rm(folder, { recursive: true, force: true });
  }
}

/** The lab's team with two more agents on r420, all of them small. */
async function threeMachineTeam(): Promise<string> {
  const document = parseDocument(await readFile(join(projectRoot, "examples/lab/team.yaml"), "utf8"));
  const base = (document.toJS() as { agents: { athena: Record<string, unknown> } }).agents.athena;
  for (const [at, name] of ["apollo", "artemis"].entries()) {
    const own = { address: `10.220.1.${51 + at}`, email: `${name}@olympus.example`, persona: `You are ${name}.` };
    document.setIn(["agents", name], { ...base, ...own });
  }
  return document.toString();
}
