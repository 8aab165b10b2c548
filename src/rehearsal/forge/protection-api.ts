import { type Call, roleOf } from "./context.ts";
import { Refusal } from "./http.ts";
import { rulesOf } from "./protection.ts";
import type { RepoRow } from "./rows.ts";

/** Throws as GitHub does where rules of a branch stand in the way of a change by API. */
export function heed(call: Call, repo: RepoRow, ref: string, kind: "write" | "force" | "delete"): void {
  const rules = ref.startsWith("refs/heads/") ? rulesOf(call.forge, repo, ref.slice("refs/heads/".length)) : undefined;
  if (rules === undefined) return;
  if (kind === "force" && !rules.force) throw new Refusal(422, "Cannot force-push to this branch");
  if (kind === "delete" && !rules.deletion) throw new Refusal(422, "Cannot delete this branch");
  const bypass = roleOf(call.forge, repo, call.user) === "admin" && !rules.admins;
  if (!bypass && (rules.reviews !== undefined || rules.checks.length > 0))
    throw new Refusal(409, "Repository rule violations found\n\nChanges must be made through a pull request.\n\n");
}
