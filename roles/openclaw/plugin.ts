import { quote } from "../../src/base/quote.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { places, unitName, user } from "./places.ts";
import { shutIn } from "./unit.ts";

export interface ChatPlugin {
  /** Node's program. */
  readonly node: string;
  /** Of OpenClaw. */
  readonly version: string;
  readonly plugin: string;
  readonly registry?: string | undefined;
  /** MiB. */
  readonly memoryMax: number;
}

/**
 * The chat's plugin, by OpenClaw's own install command and into its state: one that lies elsewhere it loads but does not trust, and
 * without trust the channel ends as soon as it has logged in. The plugin is tied to the OpenClaw that installed it. The agent writes
 * to that state: whatever reads it does so as its user, the install shut in as the gateway is, and settings of npm from there do not count.
 */
export function pluginOperation({ node, version, plugin, registry, memoryMax }: ChatPlugin): Operation {
  const { data, npmFolder, pluginNote } = places;
  const installed = quote(`${version} ${plugin}`);
  const manifests = `${data}/npm/projects/*/node_modules/@openclaw/mattermost/package.json`;
  const told = quote(`"version"[[:space:]]*:[[:space:]]*"${plugin.replaceAll(".", "[.]")}"`);
  const there = `for one in ${manifests}; do if [ -f "$one" ] && grep -qE ${told} "$one"; then exit 0; fi; done; exit 1`;
  const path = `${npmFolder}:/usr/bin:/bin`;
  const variables = {
    PATH: path,
    OPENCLAW_STATE_DIR: data,
    npm_config_update_notifier: "false",
    NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt",
  };
  const limits = shutIn(memoryMax)
    .split("\n")
    .filter((line) => !line.startsWith("#"));
  const unit = [
    ...[`User=${user}`, `Group=${user}`, "RuntimeMaxSec=1800", ...limits].map((line) => `-p ${quote(line)}`),
    ...Object.entries(variables).map(([name, value]) => `-E ${quote(`${name}=${value}`)}`),
  ];
  const words = [node, places.program(version), "plugins", "install", `npm:@openclaw/mattermost@${plugin}`].map(quote);
  // As for the other packages: from a folder without settings.
  const asked = `"$(cd "$d"; HOME="$d" PATH=${path} npm config get registry)"`;
  return {
    kind: "command",
    id: "chat-plugin",
    summary: `OpenClaw's plugin @openclaw/mattermost: install ${plugin}`,
    restarts: [unitName],
    check: `[ "$(cat ${pluginNote} 2>/dev/null)" = ${installed} ] && timeout -s KILL 10 runuser -u ${user} -- sh -c ${quote(there)} >/dev/null 2>&1`,
    // A gateway that runs would do it in this one's place, with a configuration that is not its to write; it is stopped meanwhile.
    apply: `d="$(mktemp -d)" running=
trap 'rm -rf "$d"; if [ -n "$running" ]; then systemctl start ${unitName}; fi' EXIT
if systemctl -q is-active ${unitName}; then running=1; systemctl stop ${unitName}; fi
systemctl stop openclaw-plugin.service 2>/dev/null || : "none goes on since a run that was killed"
registry=${registry === undefined ? asked : quote(registry)}
systemd-run --quiet --wait --pipe --collect --unit=openclaw-plugin ${unit.join(" ")} -E "npm_config_registry=$registry" /bin/sh -eu -s <<'E'
find ${data} -maxdepth 3 -path '${data}/npm*' -type l -delete
if [ -d ${data}/npm ]; then find ${data}/npm '(' -name .npmrc -o -type p -o -type s ')' -prune -exec rm -rf {} +; fi
d="$(mktemp -d)"
cd "$d"
echo '{}' >openclaw.json
HOME="$d" npm_config_cache="$d/cache" OPENCLAW_CONFIG_PATH="$d/openclaw.json" ${words.join(" ")} --pin --force </dev/null
E
echo ${installed} >${pluginNote}`,
    undo: `rm -f ${pluginNote}`,
  };
}
