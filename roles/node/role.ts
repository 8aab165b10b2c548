import { z } from "zod";
import { defineRole } from "../../src/converge/types.ts";
import { type NodeRuntime, nodeFolder, nodeRuntime } from "./runtime.ts";

const params = z.strictObject({});

/** The runtime of programs of Olympus on a machine, each version in a folder of its own, out of everybody's PATH. */
export const role = defineRole<z.output<typeof params>, { node: NodeRuntime }>({
  name: "node",
  summary: "the Node that agents and the rehearsal run on",
  requires: [{ role: "base", on: "host" }],
  params,

  inputs: () => ({ node: nodeRuntime() }),

  setup({ node: { version, folder, size } }) {
    return [
      { kind: "directory", id: "opt", path: "/opt/olympus" },
      { kind: "directory", id: "opt-node", path: "/opt/olympus/node" },
      { kind: "archive", id: "node", path: nodeFolder(version), source: folder, unpacked: size },
    ];
  },
});
