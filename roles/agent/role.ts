import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { type Bundle, buildBundle } from "../../src/harness/bundle.ts";
import { type AgentConfigInput, parseAgentConfig } from "../../src/harness/config.ts";
import { nodeEnvironment, nodeFlags } from "../../src/harness/launch.ts";
import { dashboardUrl, publishedHosts } from "../../src/team/dashboard.ts";
import { tlsSchema, trustedAuthorities } from "../mattermost/tls.ts";
import { programFolder, programOperations } from "../node/program.ts";
import { type NodeRuntime, nodeFolder, nodeRuntime } from "../node/runtime.ts";
import { renderAgent } from "./config.ts";
import { profileOperations, wantsProfile } from "./namespaces.ts";
import { shellLimits, shellOf } from "./shell.ts";
import { dashboardTls } from "./tls.ts";
import { agentUnit, configFile, dataFolder, secretsFolder } from "./unit.ts";
import { unusedSecrets } from "./unused-secrets.ts";

const params = z.strictObject({
  /** Limit of the unit, MiB. */
  memoryMax: z.int().min(128).default(512),
  /** Where commands of an agent that develops may connect to: package managers (`debian`, `npm`, `pypi`, `go`) and hosts. */
  egress: z.array(z.string()).default([]),
  /** How people and commands reach the dashboard: `off`, `team-ca`, or `{ certificate: PEM }` with its key in the secret agents.<agent>.tls.key. */
  tls: tlsSchema,
});

export interface AgentInputs {
  readonly agent: string;
  /** Where the dashboard is asked whether it is up. */
  readonly url: string;
  readonly config: AgentConfigInput;
  readonly secrets: Readonly<Record<string, Secret>>;
  /** The team's own authority, in PEM, where the chat has a certificate by it: Node does not look at the machine's. */
  readonly authority?: string | undefined;
  /** Whether the machine lets only programs with a profile shut others in. */
  readonly profile?: boolean | undefined;
  /** Seconds. */
  readonly drain: number;
  readonly node: NodeRuntime;
  readonly bundle: Bundle;
}

const unitName = "olympus-agent.service";
const tlsKeyFile = "dashboard-tls-key";
const authorityFile = "/etc/olympus/authority.crt";

/** The harness on an agent's machine: Node, the bundle, its configuration and secrets, and the unit that runs it. */
export const role = defineRole<z.output<typeof params>, AgentInputs>({
  name: "agent",
  summary: "the harness: answers its team in chat",
  requires: [
    { role: "node", on: "host" },
    { role: "mattermost", on: "team" },
  ],
  replaces: ["openclaw"],
  params,
  data: { memory: "the agent's database and memory in /srv/olympus/agent" },

  async inputs(context, { egress, tls: choice }) {
    const { team, host, secrets, reporter } = context;
    if (host.machine?.agent === undefined) {
      throw new OlympusError(`The role agent is an agent's: ${host.name} is none.`, {
        code: "E-ROLE-HOST",
        exit: exitCodes.usage,
        where: host.name,
        hint: "Give the role to agents in the team file.",
      });
    }
    const rendered = renderAgent(team, host.machine, secrets);
    const sandbox = shellOf(host.machine, egress);
    const tls = await dashboardTls(choice, publishedHosts(team, host.machine).length > 0, context);
    const { listen } = rendered.config;
    const config: AgentConfigInput = {
      ...rendered.config,
      ...(sandbox === undefined ? {} : { sandbox }),
      ...(tls === undefined
        ? {}
        : { listen: { ...listen, tls: { certificate: tls.certificate, keyFile: tlsKeyFile } } }),
    };
    // Keys for deployments may have been made just now.
    if (toCall(config)) await secrets.save();
    // A configuration that the harness would refuse must not replace a good one.
    const { limits } = parseAgentConfig(JSON.stringify(config), `${team.file} (agent ${host.name})`);
    return {
      agent: host.name,
      url: dashboardUrl(host.machine),
      config,
      secrets: { ...rendered.secrets, ...(tls === undefined ? {} : { [tlsKeyFile]: tls.key }) },
      authority: trustedAuthorities(team, secrets).join("\n") || undefined,
      profile: sandbox !== undefined && wantsProfile(host, reporter),
      drain: limits.drain,
      node: nodeRuntime(),
      bundle: await buildBundle("harness"),
    };
  },

  setup({ agent, url, config, secrets, authority, profile, drain, node, bundle }, { memoryMax }): Operation[] {
    const restarts = [unitName];
    const bundleFolder = programFolder("harness", bundle);
    const shell = shellLimits(config);
    const { tls } = config.listen;
    return [
      ...(shell === undefined ? [] : [{ kind: "package" as const, id: "bubblewrap", names: programs(config) }]),
      ...(profile === true ? profileOperations : []),
      ...(tls === undefined ? [] : [{ kind: "package" as const, id: "tls-client", names: ["curl"] }]),
      ...(toCall(config) ? [{ kind: "package" as const, id: "deploy-client", names: ["openssh-client"] }] : []),
      // A fixed number: the data disk outlives the root, and its files belong to a number, not to a name.
      {
        kind: "user",
        id: "user",
        name: "olympus",
        system: true,
        uid: 970,
        home: dataFolder,
        shell: "/usr/sbin/nologin",
      },
      ...programOperations("harness", bundle),
      { kind: "directory", id: "srv", path: "/srv/olympus", data: "memory" },
      {
        kind: "directory",
        id: "data",
        path: dataFolder,
        mode: "0700",
        owner: "olympus",
        group: "olympus",
        data: "memory",
        tree: true,
      },
      { kind: "directory", id: "etc", path: "/etc/olympus" },
      { kind: "directory", id: "secrets", path: secretsFolder, mode: "0700" },
      ...Object.entries(secrets).map(
        ([name, content]): Operation => ({
          kind: "file",
          id: `secret-${name}`,
          path: `${secretsFolder}/${name}`,
          content,
          mode: "0600",
          restarts,
        }),
      ),
      ...(authority === undefined
        ? []
        : [{ kind: "file" as const, id: "authority", path: authorityFile, content: authority, restarts }]),
      {
        kind: "file",
        id: "config",
        path: configFile,
        content: `${JSON.stringify(config, undefined, 2)}\n`,
        mode: "0640",
        group: "olympus",
        restarts,
      },
      {
        kind: "unit",
        id: "unit",
        name: unitName,
        content: agentUnit({
          agent,
          node: `${nodeFolder(node.version)}/bin/node`,
          nodeFlags,
          environment: {
            ...nodeEnvironment,
            ...(authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authorityFile }),
          },
          bundle: bundleFolder,
          credentials: Object.keys(secrets),
          memoryMax,
          shell,
          drain,
        }),
        enabled: true,
        running: true,
      },
      // After the unit that no longer asks for them: one that is killed in between can still start.
      unusedSecrets(Object.keys(secrets)),
      {
        kind: "wait",
        id: "answers",
        url: `${url}/healthz`,
        ...(tls === undefined ? {} : { certificate: tls.certificate }),
        timeout: 60,
        unit: unitName,
      },
    ];
  },
});

/** Whether it calls hosts to deploy something. */
const toCall = ({ policy }: AgentConfigInput): boolean => (policy?.deploys ?? []).length > 0;

/** What work with a shell takes on the machine; git on both sides of the sandbox where there are repositories. */
function programs({ forge }: AgentConfigInput): string[] {
  return ["bubblewrap", ...(forge === undefined ? [] : ["git"])];
}
