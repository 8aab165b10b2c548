import { z } from "zod";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { type Bundle, buildBundle } from "../../src/harness/bundle.ts";
import { defaultScript, scriptSchema } from "../../src/rehearsal/script.ts";
import { rehearsalPort } from "../agent/models.ts";
import { hardening } from "../agent/unit.ts";
import { programFolder, programOperations } from "../node/program.ts";
import { type NodeRuntime, nodeFolder, nodeRuntime } from "../node/runtime.ts";

const params = z.strictObject({
  /** What the model says; see docs/reference/rehearsal in the harness's page. The built-in script unless given. */
  answers: z.array(scriptSchema.shape.answers.element).min(1).optional(),
});

export interface RehearsalInputs {
  readonly address: string;
  readonly node: NodeRuntime;
  readonly bundle: Bundle;
}

const unitName = "olympus-rehearsal.service";
const scriptFile = "/etc/olympus/rehearsal.json";

/** A model played by a script, in the formats of all providers, so that a team can be tried without keys and cost. */
export const role = defineRole<z.output<typeof params>, RehearsalInputs>({
  name: "rehearsal",
  summary: "a scripted model for teams without keys",
  requires: [{ role: "node", on: "host" }],
  params,

  async inputs({ host }) {
    return { address: host.address, node: nodeRuntime(), bundle: await buildBundle("rehearsal") };
  },

  setup({ address, node, bundle }, { answers }): Operation[] {
    const restarts = [unitName];
    const bundleFolder = programFolder("rehearsal", bundle);
    return [
      ...programOperations("rehearsal", bundle),
      { kind: "directory", id: "etc", path: "/etc/olympus" },
      {
        kind: "file",
        id: "script",
        path: scriptFile,
        content: `${JSON.stringify(answers === undefined ? defaultScript : { answers }, undefined, 2)}\n`,
        restarts,
      },
      {
        kind: "unit",
        id: "unit",
        name: unitName,
        content: rehearsalUnit(`${nodeFolder(node.version)}/bin/node`, bundleFolder, address),
        enabled: true,
        running: true,
      },
      { kind: "wait", id: "answers", url: `http://${address}:${rehearsalPort}/healthz`, timeout: 60, unit: unitName },
    ];
  },
});

function rehearsalUnit(node: string, bundle: string, address: string): string {
  return `[Unit]
Description=Olympus rehearsal model
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
DynamicUser=yes
User=olympus-rehearsal
ExecStart=${node} --max-semi-space-size=1 ${bundle}/rehearsal.mjs --script ${scriptFile} --listen ${address}:${rehearsalPort}
Restart=always
RestartSec=1
MemoryMax=256M
TasksMax=64
${hardening}

[Install]
WantedBy=multi-user.target
`;
}
