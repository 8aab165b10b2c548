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
  "forge",
  "dev-env",
  "hardening",
  "firewall",
  "github",
  "docker",
  "backup",
  "hypervisor",
  "openclaw",
  "deploy",
] as const;

/** What an agent can run on; each is a role, and both want port 18789. */
const runtimeRoles = { harness: "agent", openclaw: "openclaw" } as const;
export type Runtime = keyof typeof runtimeRoles;
export const runtimes = ["harness", "openclaw"] as const satisfies Runtime[];

/** The role that runs an agent. */
export const runtimeRole = (runtime: Runtime): string => runtimeRoles[runtime];

/** What each service needs on its VM, beside the base. */
const serviceRoles = {
  chat: ["postgresql", "mattermost"],
  rehearsal: ["node", "rehearsal"],
  forge: ["node", "forge"],
} as const;

/** Services that a VM can carry. */
export const serviceNames = ["chat", "rehearsal", "forge"] as const satisfies (keyof typeof serviceRoles)[];

/** Roles that a host has because of what it is; the team file adds to them or sets their parameters. */
export function rolesOfKind(
  kind: Exclude<HostKind, "agent">,
  services: readonly (keyof typeof serviceRoles)[] = [],
): readonly string[] {
  if (kind === "service") return ["base", ...services.flatMap((service) => serviceRoles[service])];
  return [];
}

/** An agent's roles with parameters. Those of the runtime that was not chosen may stay written down; they mean nothing then. */
export function rolesOfAgent(
  runtime: Runtime,
  more: readonly string[],
  defaults: RoleParams,
  own: RoleParams,
): RoleParams {
  const chosen = runtimeRole(runtime);
  const others = Object.values(runtimeRoles).filter((name) => name !== chosen);
  const all = mergeRoles(["base", "node", chosen, ...more], defaults, own);
  return Object.fromEntries(Object.entries(all).filter(([name]) => !others.some((other) => other === name)));
}

type RoleParams = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A host's roles with parameters: the team's defaults, then the host's own, parameter by parameter. */
export function mergeRoles(kinds: readonly string[], defaults: RoleParams, own: RoleParams): RoleParams {
  const names = new Set([...kinds, ...Object.keys(own)]);
  return Object.fromEntries([...names].map((name) => [name, { ...defaults[name], ...own[name] }]));
}
