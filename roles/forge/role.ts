import { z } from "zod";
import type { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { type Bundle, buildBundle } from "../../src/harness/bundle.ts";
import type { World } from "../../src/rehearsal/forge/setup.ts";
import { forgePort, webhookSecret } from "../../src/team/forge.ts";
import { hardening } from "../agent/unit.ts";
import { programFolder, programOperations } from "../node/program.ts";
import { type NodeRuntime, nodeFolder, nodeRuntime } from "../node/runtime.ts";
import { worldOf } from "./world.ts";

const params = z.strictObject({});

export interface ForgeInputs {
  readonly address: string;
  readonly world: World;
  /** Signs webhooks, where the team wants them. */
  readonly secret: Secret | undefined;
  readonly node: NodeRuntime;
  readonly bundle: Bundle;
}

const unitName = "olympus-forge.service";
const user = "olympus-forge";
const worldFile = "/etc/olympus/forge.json";
const dataFolder = "/srv/olympus/forge";
const secretFile = "/etc/olympus/forge-webhook";

/** GitHub, played: so that a team's work, from issue to merge, can be tried without accounts there. */
export const role = defineRole<z.output<typeof params>, ForgeInputs>({
  name: "forge",
  summary: "GitHub, played: repositories, issues and reviews for rehearsals",
  requires: [{ role: "node", on: "host" }],
  params,
  data: { repositories: "the rehearsal forge's repositories, issues and reviews in /srv/olympus/forge" },

  async inputs({ team, host, secrets }) {
    return {
      address: host.address,
      world: worldOf(team, secrets),
      secret: team.team.forge.webhooks ? secrets.require(webhookSecret) : undefined,
      node: nodeRuntime(),
      bundle: await buildBundle("forge"),
    };
  },

  setup({ address, world, secret, node, bundle }): Operation[] {
    const bundleFolder = programFolder("forge", bundle);
    return [
      { kind: "package", id: "git", names: ["git"] },
      // A fixed number: the data disk outlives the root, and its files belong to a number, not to a name.
      { kind: "user", id: "user", name: user, system: true, uid: 972, home: dataFolder, shell: "/usr/sbin/nologin" },
      ...programOperations("forge", bundle),
      { kind: "directory", id: "srv", path: "/srv/olympus", data: "repositories" },
      {
        kind: "directory",
        id: "data",
        path: dataFolder,
        mode: "0700",
        owner: user,
        group: user,
        data: "repositories",
        tree: true,
      },
      { kind: "directory", id: "etc", path: "/etc/olympus" },
      {
        kind: "file",
        id: "world",
        path: worldFile,
        content: `${JSON.stringify(world, undefined, 2)}\n`,
        mode: "0640",
        group: user,
        restarts: [unitName],
      },
      ...(secret === undefined
        ? []
        : [
            {
              kind: "file" as const,
              id: "webhook-secret",
              path: secretFile,
              content: secret,
              mode: "0600",
              restarts: [unitName],
            },
          ]),
      {
        kind: "unit",
        id: "unit",
        name: unitName,
        content: forgeUnit(`${nodeFolder(node.version)}/bin/node`, bundleFolder, address, secret !== undefined),
        enabled: true,
        running: true,
      },
      { kind: "wait", id: "answers", url: `http://${address}:${forgePort}/healthz`, timeout: 60, unit: unitName },
    ];
  },
});

function forgeUnit(node: string, bundle: string, address: string, hooks: boolean): string {
  const signing = hooks ? ` --webhook-secret %d/webhook\nLoadCredential=webhook:${secretFile}` : "";
  return `[Unit]
Description=Olympus rehearsal forge
Wants=network-online.target
After=network-online.target
RequiresMountsFor=/srv/olympus
StartLimitIntervalSec=0

[Service]
Type=exec
User=${user}
Group=${user}
WorkingDirectory=${dataFolder}
ExecStart=${node} --max-semi-space-size=1 ${bundle}/forge.mjs --world ${worldFile} --data ${dataFolder} --listen ${address}:${forgePort}${signing}
Restart=always
RestartSec=1
MemoryMax=512M
TasksMax=256
ReadWritePaths=${dataFolder}
${hardening}

[Install]
WantedBy=multi-user.target
`;
}
