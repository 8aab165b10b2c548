import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import { projectRoot } from "../../src/base/paths.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { acceptedDoorKeys, callersOf, type Door, deployUser, doorsOf } from "./keys.ts";

const params = z.strictObject({});

interface Inputs {
  /** Each with the public halves of the agents' keys that may open it. */
  readonly doors: readonly (Door & { readonly keys: readonly string[] })[];
}

const home = "/var/lib/olympus-deploy";
const work = `${home}/work`;
const program = "/opt/olympus/deploy/door";

/** A host that agents call to deploy: their keys may each run one declared command there, with a commit, and do nothing else. */
export const role = defineRole<z.output<typeof params>, Inputs>({
  name: "deploy",
  summary: "lets agents' harnesses run what the policy declares to be deployed here, and nothing else",
  requires: [{ role: "base", on: "host" }],
  params,

  async inputs({ team, host, secrets }) {
    const doors = doorsOf(team, host.name);
    if (doors.length === 0) {
      throw new OlympusError(`Nothing is deployed on ${host.name}.`, {
        code: "E-ROLE-HOST",
        exit: exitCodes.usage,
        where: host.name,
        hint: "Name it as the host of a deployment in the team file's policy.gates.deploy, or take the role away.",
      });
    }
    const agents = callersOf(team);
    const withKeys = doors.map((door) => ({
      ...door,
      keys: agents.flatMap((agent) => acceptedDoorKeys(agent, door.name, secrets)),
    }));
    await secrets.save();
    return { doors: withKeys };
  },

  setup({ doors }): Operation[] {
    const keys = doors.flatMap(({ deploy, command, keys }) =>
      keys.map((key) => `restrict,command="${program} ${deploy} ${command}" ${key}\n`),
    );
    return [
      { kind: "user", id: "user", name: deployUser, system: true, home, shell: "/bin/bash" },
      { kind: "directory", id: "opt", path: "/opt/olympus" },
      { kind: "directory", id: "programs", path: "/opt/olympus/deploy" },
      { kind: "file", id: "door", path: program, content: doorProgram(), mode: "0755" },
      // Root's own: what is deployed cannot let more keys in.
      { kind: "directory", id: "home", path: home },
      { kind: "directory", id: "ssh", path: `${home}/.ssh` },
      { kind: "directory", id: "work", path: work, mode: "0700", owner: deployUser },
      {
        kind: "command",
        id: "notes",
        summary: `${work}: notes of what is deployed, gone with the role`,
        check: `[ -e ${work}/.notes ]`,
        apply: `: >${work}/.notes`,
        undo: `find ${work} -mindepth 1 -delete`,
      },
      { kind: "file", id: "keys", path: `${home}/.ssh/authorized_keys`, content: keys.join("") },
    ];
  },
});

const doorProgram = (): string => readFileSync(join(projectRoot, "roles/deploy/door.sh"), "utf8");
