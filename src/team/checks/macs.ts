import { asText, type Draft } from "../draft.ts";
import { macOf } from "../mac.ts";
import type { Problem } from "../problems.ts";

/** Two machines whose names lead to the same hardware address; a chance of one in 800 for 200 machines. */
export function checkMacs(draft: Draft): Problem[] {
  const team = asText(draft.raw.name) ?? "";
  const owners = new Map<string, string>();
  return (["agents", "services"] as const).flatMap((section) =>
    draft.names(section).flatMap((name): Problem[] => {
      const mac = macOf(team, name);
      const owner = owners.get(mac);
      if (owner === undefined || owner === name) {
        owners.set(mac, name);
        return [];
      }
      const message = `${name} and ${owner} get the same hardware address ${mac}`;
      return [{ code: "E-TEAM-DUPLICATE", path: [section, name], part: "key", message, fix: "Rename one of them." }];
    }),
  );
}
