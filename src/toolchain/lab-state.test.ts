import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { labTeamFile, ownBackend, projectRoot } from "../base/paths.ts";
import { loadTeam } from "../team/load.ts";
import { refuseLabState } from "./lab-state.ts";

let folder: string;
/** A person's own team file, begun with a copy of the lab's. */
let own: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-lab-state-"));
  vi.stubEnv("OLYMPUS_STATE", join(folder, "state"));
  own = join(folder, "team.yaml");
  copyFileSync(join(projectRoot, "examples/lab/team.yaml"), own);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const refuse = async (file: string, backend?: string): Promise<void> => {
  const team = await loadTeam(file);
  refuseLabState(team, backend ?? ownBackend(team.name));
};

it("a team with the lab's name has no state of its own: purging the lab would take it along", async () => {
  await expect(refuse(own)).rejects.toMatchObject({
    code: "E-TEAM-LAB",
    exit: 1,
    where: expect.stringMatching(/team\.yaml:5$/),
    message: "the state of team lab would lie in the folder of this computer's lab and go with it",
  });
});

it("under another name, or with its state elsewhere, it has", async () => {
  await refuse(own, `file://${folder}/kept`);
  await refuse(own, "s3://ours");
  writeFileSync(own, readFileSync(own, "utf8").replace("name: lab", "name: labs"));
  await refuse(own);
});

it("the lab's own is the lab's, by whatever name its folder is reached", async () => {
  mkdirSync(join(folder, "state/lab"), { recursive: true });
  copyFileSync(own, labTeamFile());
  await refuse(labTeamFile());
  symlinkSync(join(folder, "state"), join(folder, "link"));
  await refuse(join(folder, "link/lab/team.yaml"));
  await expect(refuse(own)).rejects.toMatchObject({ code: "E-TEAM-LAB" });
});
