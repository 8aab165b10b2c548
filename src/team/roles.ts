/** Kinds of hosts: places that a role can be applied to. */
export type HostKind = "agent" | "service" | "hypervisor";

/** Roles that exist; a test compares them with the folders of roles/. */
export const roleNames = [
  "base",
  "postgresql",
  "mattermost",
  "node",
  "agent",
  "rehearsal",
  "dev-env",
  "hardening",
  "firewall",
  "github",
  "docker",
  "backup",
  "hypervisor",
] as const;

/** What each service needs on its VM, beside the base. */
const serviceRoles = {
  chat: ["postgresql", "mattermost"],
  rehearsal: ["node", "rehearsal"],
} as const;

/** Services that a VM can carry. */
export const serviceNames = ["chat", "rehearsal"] as const satisfies (keyof typeof serviceRoles)[];

/** Roles that a host has because of what it is; the team file adds to them or sets their parameters. */
export function rolesOfKind(kind: HostKind, services: readonly (keyof typeof serviceRoles)[] = []): readonly string[] {
  if (kind === "agent") return ["base", "node", "agent"];
  if (kind === "service") return ["base", ...services.flatMap((service) => serviceRoles[service])];
  return [];
}

type RoleParams = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A host's roles with parameters: the team's defaults, then the host's own, parameter by parameter. */
export function mergeRoles(kinds: readonly string[], defaults: RoleParams, own: RoleParams): RoleParams {
  const names = new Set([...kinds, ...Object.keys(own)]);
  return Object.fromEntries([...names].map((name) => [name, { ...defaults[name], ...own[name] }]));
}
