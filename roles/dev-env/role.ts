import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { distributionOf } from "../../src/team/distribution.ts";
import { nodeRuntime } from "../node/runtime.ts";
import { npmPackage } from "./npm.ts";
import { readToolsLock, resolvePins } from "./pins.ts";
import { profile } from "./settings.ts";
import { type DevEnvInputs, type Source, type ToolName, toolNames, toolOf, toolsFolder, type Way } from "./tools.ts";

const params = z.strictObject({
  /** What the agent gets. */
  tools: z.array(z.enum(toolNames)).min(1),
  /** `registries` where nothing but the distribution's and the languages' package registries is reached. */
  source: z.enum(["official", "registries"]).default("official"),
  /** The login that Flutter's folder belongs to. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*$/)
    .default("agent"),
});
type Params = z.output<typeof params>;

/** Programs for developing, for everybody on a machine; each agent's choice. */
export const role = defineRole<Params, DevEnvInputs>({
  name: "dev-env",
  summary: "programs for developing, a choice per agent",
  requires: [{ role: "base", on: "host" }],
  params,

  async inputs({ team, host, signal }, { tools, source }) {
    if (tools.includes("docker") && !("docker" in host.roles)) {
      throw new OlympusError(`${host.name}: dev-env with docker needs the role docker on the same host.`, {
        code: "E-ROLE-REQUIRES",
        exit: exitCodes.usage,
        where: team.where?.([host.kind === "agent" ? "agents" : "services", host.name, "roles"]) ?? host.name,
        hint: "Add the role in the team file:  roles: { docker: {} }",
      });
    }
    // Ubuntu took it out of 24.04.
    if (source === "registries" && tools.includes("aws-cli") && distributionOf(host) === "ubuntu-24.04") {
      throw notPackaged("aws-cli", ` of ${host.machine?.image}`);
    }
    const lock = readToolsLock();
    const chosen = withNeeds(tools);
    const downloads = chosen.flatMap((name) => wayOf(name, source).download ?? []);
    const pins = await resolvePins(downloads, signal);
    const pushed = source === "registries" && chosen.includes("node");
    return {
      pins,
      cdk: lock.npm.cdk,
      ...(pushed ? { node: nodeRuntime(), npm: await npmPackage(lock.npm.npm, signal) } : {}),
    };
  },

  setup(inputs, { tools, source, user }): Operation[] {
    const ways = withNeeds(tools).map((name) => wayOf(name, source));
    const fetching = ways.some(({ download }) => download !== undefined) ? ["ca-certificates", "curl"] : [];
    const packages = [...new Set([...fetching, ...ways.flatMap((way) => way.packages ?? [])])];
    return [
      ...(packages.length === 0 ? [] : [{ kind: "package" as const, id: "packages", names: packages }]),
      { kind: "directory", id: "opt", path: "/opt/olympus" },
      { kind: "directory", id: "tools", path: toolsFolder },
      { kind: "file", id: "profile", path: "/etc/profile.d/olympus-dev-env.sh", content: profile },
      ...ways.flatMap((way) => way.operations?.(inputs, user) ?? []),
    ];
  },
});

/** In the order of the table, with what they need. Flutter brings its own Dart. */
function withNeeds(wished: readonly ToolName[]): ToolName[] {
  const all = new Set<string>(wished.flatMap((name) => [name, ...(toolOf(name).needs ?? [])]));
  return toolNames.filter((name) => all.has(name) && !(name === "dart" && all.has("flutter")));
}

function wayOf(name: ToolName, source: Source): Way {
  const way = toolOf(name).ways[source];
  if (way !== undefined) return way;
  throw notPackaged(name);
}

function notPackaged(name: ToolName, where = ""): OlympusError {
  return new OlympusError(`${name} is in none of the package registries${where}.`, {
    code: "E-DEV-ENV-SOURCE",
    exit: exitCodes.usage,
    hint: `Leave ${name} out of the role's tools, or set its source to official, which downloads it from its publisher.`,
  });
}
