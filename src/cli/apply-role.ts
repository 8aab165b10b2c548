import { OlympusErrors } from "../base/errors.ts";
import { applyRoles } from "../converge/run.ts";

type Context = Pick<Parameters<typeof applyRoles>[0], "team" | "secrets" | "reporter" | "signal">;

/** Brings what was just changed among the secrets to hosts by setting `role` up there. Throws OlympusErrors naming those where it failed. */
export async function applyRole(role: string, hosts: readonly string[], context: Context): Promise<void> {
  const { errors } = await applyRoles({ ...context, action: "setup", roles: [role], hosts });
  if (errors.length > 0) throw new OlympusErrors("some hosts were left out", errors);
}
