import type { OlympusError } from "../base/errors.ts";
import { silentReporter } from "../base/report.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import { labObstacles } from "./obstacles.ts";
import { labStatus } from "./status.ts";
import { chooseTeam } from "./team-copy.ts";

export interface Beforehand {
  /** What `labUp` would run. */
  readonly team: LoadedTeam;
  /** This project's lab is up already, whole or in part. */
  readonly standing: boolean;
  readonly obstacles: readonly OlympusError[];
}

/** What `labUp` would find, without changing anything: for those who do other things before it. Throws what is wrong with the team file. */
export async function labBeforehand(teamFile?: string): Promise<Beforehand> {
  // Its warnings come when the lab is really brought up.
  const team = await loadTeam((await chooseTeam(teamFile, silentReporter())).file);
  const standing = (await labStatus()).network !== undefined;
  return { team, standing, obstacles: await labObstacles(team, standing) };
}
