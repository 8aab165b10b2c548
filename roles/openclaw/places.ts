export const unitName = "openclaw.service";
export const user = "openclaw";

const root = "/opt/olympus/openclaw";

/** Where things are on a machine. Each version has a prefix of npm of its own, so that an old one runs until the new one is there. */
export const places = {
  root,
  npmFolder: `${root}/npm`,
  prefix: (version: string): string => `${root}/${version}`,
  program: (version: string): string => `${root}/${version}/lib/node_modules/openclaw/openclaw.mjs`,
  config: "/etc/olympus/openclaw.json",
  secrets: "/etc/olympus/secrets/openclaw.json",
  /** Where systemd shows the secrets to the process, and to nobody else. */
  credential: `/run/credentials/${unitName}/secrets`,
  data: "/srv/olympus/openclaw",
  workspace: "/srv/olympus/openclaw/workspace",
  /** Which plugin was installed, by which OpenClaw. In a folder of root's own: in the data the agent could put a link in its place. */
  pluginNote: `${root}/plugin`,
  port: 18789,
} as const;
