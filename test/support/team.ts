import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initSecrets, type SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import type { Team } from "../../src/team/schema.ts";

/** The lab's team with fresh secrets in a temporary folder (the caller removes it) and an identity of its own in SOPS_AGE_KEY_FILE. */
export async function labTeam(): Promise<{ team: LoadedTeam; secrets: SecretStore; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "olympus-team-"));
  process.env.SOPS_AGE_KEY_FILE = join(folder, "age.txt");
  const loaded = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
  const team = { ...loaded, secretsFile: join(folder, "secrets.enc.yaml") };
  const { store } = await initSecrets(team);
  return { team, secrets: store, folder };
}

/** The same team with parts of its file changed. */
export function changedTeam(team: LoadedTeam, change: (file: Team) => void): LoadedTeam {
  const file = structuredClone(team.team);
  change(file);
  return { ...team, team: file };
}
