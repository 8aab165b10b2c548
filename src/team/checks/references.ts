import { images } from "../../../vm-templates/images.ts";
import { asList, asMap, asText, type Draft, type Raw } from "../draft.ts";
import { knownWords } from "../nearest.ts";
import type { Problem } from "../problems.ts";
import { serviceNames } from "../roles.ts";
import type { Path } from "../source.ts";

/** Groups that a connectivity row can name. */
export const connectivityGroups = ["agents", "services", "hypervisors", "admin", "internet", "github"] as const;

/** Names of hypervisors, templates, images, roles, members and connectivity ends that the file does not have. */
export function checkReferences(draft: Draft): Problem[] {
  const hypervisors = draft.names("hypervisors");
  const imageNames = Object.keys(images);
  return [
    ...unknown("image", ["defaults", "image"], draft.defaults.image, imageNames),
    ...roleProblems(["defaults", "roles"], draft.defaults.roles, draft.roles),
    ...asList(draft.defaults.machineRoles).flatMap((name, index) =>
      unknown("role", ["defaults", "machineRoles", index], name, draft.roles),
    ),
    ...(["hypervisors", "agents", "services"] as const).flatMap((section) =>
      draft.section(section).flatMap(([name, entry]) => {
        const path = [section, name];
        const roles = roleProblems([...path, "roles"], entry.roles, draft.roles);
        if (section === "hypervisors") return roles;
        return [
          ...unknown("hypervisor", [...path, "on"], entry.on, hypervisors),
          ...unknown("template", [...path, "template"], entry.template, Object.keys(draft.templates)),
          ...unknown("image", [...path, "image"], entry.image, imageNames),
          ...roles,
        ];
      }),
    ),
    ...members(draft),
    ...connectivity(draft),
  ];
}

function unknown(what: string, path: Path, value: unknown, known: readonly string[]): Problem[] {
  const word = asText(value);
  if (word === undefined || known.includes(word)) return [];
  return [{ code: "E-TEAM-REF", path, message: `unknown ${what} "${word}"`, fix: knownWords(word, known) }];
}

function roleProblems(path: Path, roles: unknown, known: readonly string[]): Problem[] {
  return Object.keys(asMap(roles)).flatMap((name) =>
    unknown("role", [...path, name], name, known).map((problem) => ({ ...problem, part: "key" as const })),
  );
}

function members(draft: Draft): Problem[] {
  const agents = draft.names("agents");
  const known = [...agents, ...draft.names("people")];
  const teams = draft.section("teams");
  const placed = new Set(teams.flatMap(([, team]) => (Array.isArray(team.members) ? team.members : agents)));
  return [
    ...teams.flatMap(([name, team]) =>
      asList(team.members).flatMap((member, index) =>
        unknown("agent or person", ["teams", name, "members", index], member, known),
      ),
    ),
    ...agents
      .filter((agent) => !placed.has(agent))
      .map(
        (agent): Problem => ({
          code: "E-TEAM-REF",
          path: ["agents", agent],
          part: "key",
          message: `${agent} is in no team, so nobody can mention it`,
          fix: "Add it to the members of one of `teams`.",
        }),
      ),
  ];
}

function connectivity(draft: Draft): Problem[] {
  const hosts = [...draft.names("agents"), ...draft.names("services"), ...draft.names("hypervisors")];
  const carried = draft.section("services").flatMap(([, service]) => asList(service.services));
  const services = serviceNames.filter((name) => carried.includes(name));
  const known = [...connectivityGroups, ...services, ...hosts];
  const rows = asList(draft.raw.connectivity).map(asMap);
  const identity = (row: Raw): string => [row.from, row.to, row.protocol, row.port].join(" ");
  return rows.flatMap((row, index): Problem[] => {
    const path = ["connectivity", index];
    const twin = rows.findIndex((other) => identity(other) === identity(row));
    const ends = (["from", "to"] as const).flatMap((end) => {
      const word = asText(row[end]);
      return word === undefined || isNetwork(word)
        ? []
        : unknown("group, service or machine", [...path, end], word, known);
    });
    if (twin === index || row.from === undefined) return ends;
    const message = `the way from ${row.from} to ${row.to}, ${row.protocol} ${row.port}, is in the list already`;
    return [...ends, { code: "E-TEAM-DUPLICATE", path, message, fix: "Remove one of the rows." }];
  });
}

function isNetwork(word: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(word);
}
