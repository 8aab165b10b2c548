import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename } from "node:path";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import { isInstalled } from "./preflight.ts";
import { tryRun } from "./sh.ts";

/** E-PORT-TAKEN, naming who listens, for each port on 127.0.0.1 that the lab would publish and one of other processes than `own` has. */
export async function portObstacles(team: LoadedTeam, own: readonly number[]): Promise<OlympusError[]> {
  const found = await Promise.all(
    Object.keys(team.team.lab?.publish ?? {}).map(async (port) => {
      if (await isFree(Number(port))) return [];
      const holder = await listenerOf(port);
      if (holder !== undefined && own.includes(holder.pid)) return [];
      const who = holder === undefined ? "" : ` by ${holder.program} (process ${holder.pid})`;
      return [
        new OlympusError(`port ${port} on 127.0.0.1 is taken${who}`, {
          code: "E-PORT-TAKEN",
          exit: exitCodes.usage,
          where: team.file,
          hint: "Stop it, or publish another port: lab.publish in a copy of the team file, given with --team.",
        }),
      ];
    }),
  );
  return found.flat();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function listenerOf(port: string): Promise<{ program: string; pid: number } | undefined> {
  if (!isInstalled("ss")) return undefined;
  const { stdout } = await tryRun("ss", ["-Hltnp", `sport = :${port}`]);
  const [, thread, pid] = /users:\(\("([^"]+)",pid=(\d+)/.exec(stdout) ?? [];
  return thread === undefined ? undefined : { program: programOf(Number(pid)) ?? thread, pid: Number(pid) };
}

/** `node services-main.ts`: `ss` knows only a thread's name, which for Node is always "MainThread". */
function programOf(pid: number): string | undefined {
  try {
    const [program = "", script = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .filter((word, at) => at === 0 || !word.startsWith("-"));
    return `${basename(program)} ${basename(script)}`.trim() || undefined;
  } catch {
    return undefined; // It has just ended.
  }
}
