import { asList, asMap, asText, type Draft } from "../draft.ts";
import { knownWords } from "../nearest.ts";
import type { Problem } from "../problems.ts";

/** Agents that a repository names and the file does not have. */
export function checkRepositories(draft: Draft): Problem[] {
  const known = draft.names("agents");
  return Object.entries(asMap(draft.raw.repositories)).flatMap(([repository, value]) =>
    asList(asMap(value).agents).flatMap((agent, at): Problem[] => {
      const name = asText(agent);
      if (name === undefined || known.includes(name)) return [];
      const path = ["repositories", repository, "agents", at];
      return [{ code: "E-TEAM-REF", path, message: `unknown agent "${name}"`, fix: knownWords(name, known) }];
    }),
  );
}
