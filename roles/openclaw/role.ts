import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { renderPersona } from "../../src/team/persona.ts";
import { renderAgent } from "../agent/config.ts";
import { type NpmPackage, npmPackage } from "../dev-env/npm.ts";
import { readToolsLock } from "../dev-env/pins.ts";
import { trustedAuthorities } from "../mattermost/tls.ts";
import { type NodeRuntime, nodeFolder, nodeRuntime } from "../node/runtime.ts";
import { type Json, openclawConfig, openclawSecrets } from "./config.ts";
import { places, unitName, user } from "./places.ts";
import { pluginOperation } from "./plugin.ts";
import { openclawUnit, validateScript } from "./unit.ts";

const exact = z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/, "Write an exact version, such as 2026.9.6.");

const params = z.strictObject({
  /** Of the npm package openclaw. */
  version: exact.default("2026.9.6"),
  /** Of its plugin for the chat, @openclaw/mattermost. */
  plugin: exact.default("2026.9.5"),
  /** Where both come from; the machine's npm decides unless given. */
  registry: z.url().optional(),
  /** Limit of the unit, MiB. */
  memoryMax: z.int().min(512).default(2048),
  /** More of openclaw.json, in its own words. What this role sets itself cannot be changed by it. */
  settings: z.record(z.string(), z.json()).default({}),
});
type Params = z.output<typeof params>;

export interface OpenclawInputs {
  readonly agent: string;
  readonly config: Readonly<Record<string, Json>>;
  readonly secrets: Secret;
  readonly persona: string;
  /** The team's own authority, in PEM, where the chat has a certificate by it. */
  readonly authority?: string | undefined;
  readonly node: NodeRuntime;
  readonly npm: NpmPackage;
}

const authorityFile = "/etc/olympus/authority.crt";

/** OpenClaw in place of the harness: `runtime: openclaw` in the team file gives an agent this role instead of `agent`. */
export const role = defineRole<Params, OpenclawInputs>({
  name: "openclaw",
  summary: "OpenClaw in place of the harness: the npm package as an agent's runtime",
  requires: [
    { role: "node", on: "host" },
    { role: "mattermost", on: "team" },
  ],
  replaces: ["agent"],
  params,
  data: { openclaw: "OpenClaw's state and workspace in /srv/olympus/openclaw" },

  async inputs({ team, host, secrets, signal }, { version, settings }) {
    if (host.machine?.agent?.runtime !== "openclaw") {
      throw new OlympusError(`${host.name}: the role openclaw is for agents that run on it.`, {
        code: "E-ROLE-HOST",
        exit: exitCodes.usage,
        where: team.where?.([host.kind === "service" ? "services" : `${host.kind}s`, host.name]) ?? host.name,
        hint: "Write  runtime: openclaw  at an agent in the team file; that brings the role.",
      });
    }
    const rendered = renderAgent(team, host.machine, secrets);
    return {
      agent: host.name,
      config: openclawConfig(rendered, version, settings),
      secrets: openclawSecrets(rendered, secrets.require(`agents.${host.name}.dashboard`)),
      persona: renderPersona(team, host.machine),
      authority: trustedAuthorities(team, secrets).join("\n") || undefined,
      node: nodeRuntime(),
      npm: await npmPackage(readToolsLock().npm.npm, signal),
    };
  },

  setup(inputs, own): Operation[] {
    const { agent, config, secrets, persona, authority, node } = inputs;
    const restarts = [unitName];
    const program = `${nodeFolder(node.version)}/bin/node`;
    const ours = { owner: user, group: user, data: "openclaw" };
    return [
      // A fixed number: the data disk outlives the root, and its files belong to a number, not to a name.
      { kind: "user", id: "user", name: user, system: true, uid: 971, home: places.data, shell: "/usr/sbin/nologin" },
      ...packages(inputs, own),
      { kind: "directory", id: "srv", path: "/srv/olympus", data: "openclaw" },
      { kind: "directory", id: "data", path: places.data, mode: "0700", ...ours, tree: true },
      { kind: "directory", id: "workspace", path: places.workspace, mode: "0700", ...ours },
      { kind: "file", id: "persona", path: `${places.workspace}/SOUL.md`, content: `${persona}\n`, restarts },
      { kind: "directory", id: "etc", path: "/etc/olympus" },
      { kind: "directory", id: "secrets", path: "/etc/olympus/secrets", mode: "0700" },
      { kind: "file", id: "secrets-file", path: places.secrets, content: secrets, mode: "0600", restarts },
      ...(authority === undefined
        ? []
        : [{ kind: "file" as const, id: "authority", path: authorityFile, content: authority, restarts }]),
      {
        kind: "file",
        id: "config",
        path: places.config,
        content: `${JSON.stringify(config, undefined, 2)}\n`,
        mode: "0640",
        group: user,
        validate: validateScript(program, own.version),
        restarts,
      },
      pluginOperation({ node: program, ...own }),
      {
        kind: "unit",
        id: "unit",
        name: unitName,
        content: openclawUnit({
          agent,
          node: program,
          version: own.version,
          memoryMax: own.memoryMax,
          authority: authority === undefined ? undefined : authorityFile,
        }),
        enabled: true,
        running: true,
      },
      // Its first start takes a minute where the harness takes a second.
      { kind: "wait", id: "answers", url: `http://127.0.0.1:${places.port}/healthz`, timeout: 600, unit: unitName },
    ];
  },
});

/**
 * The package by an npm that is pushed as Node is, out of everybody's PATH. OpenClaw's own install script runs and nobody else's:
 * what it leaves undone OpenClaw would do at each start, in a folder where it may not write.
 */
function packages({ node, npm }: OpenclawInputs, { version, registry }: Params): Operation[] {
  const npmFolder = `/opt/olympus/tools/npm-${npm.version}`;
  const prefix = places.prefix(version);
  const from = {
    kind: "npm-package",
    prefix,
    npm: `${places.npmFolder}/npm`,
    restarts: [unitName],
    ...(registry === undefined ? {} : { registry }),
  } as const;
  const folders = {
    root: places.root,
    "npm-bin": places.npmFolder,
    prefix,
    bin: `${prefix}/bin`,
    lib: `${prefix}/lib`,
  };
  return [
    { kind: "package", id: "certificates", names: ["ca-certificates"] },
    { kind: "directory", id: "opt", path: "/opt/olympus" },
    { kind: "directory", id: "tools", path: "/opt/olympus/tools" },
    { kind: "archive", id: "npm", path: npmFolder, source: npm.folder },
    ...Object.entries(folders).map(([id, path]): Operation => ({ kind: "directory", id: `program-${id}`, path })),
    { kind: "link", id: "npm-node", path: `${places.npmFolder}/node`, target: `${nodeFolder(node.version)}/bin/node` },
    { kind: "link", id: "npm-program", path: `${places.npmFolder}/npm`, target: `${npmFolder}/bin/npm-cli.js` },
    { ...from, id: "openclaw", name: "openclaw", version, scripts: ["openclaw"] },
  ];
}
