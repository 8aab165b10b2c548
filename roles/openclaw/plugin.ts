import { quote } from "../../src/base/quote.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { places, unitName, user } from "./places.ts";

export interface ChatPlugin {
  /** Node's program. */
  readonly node: string;
  /** Of OpenClaw. */
  readonly version: string;
  readonly plugin: string;
  readonly registry?: string | undefined;
}

/**
 * The chat's plugin, by OpenClaw's own install command and into its state: one that lies elsewhere it loads but does not trust, and
 * without trust the channel ends as soon as it has logged in. The plugin is tied to the OpenClaw that installed it.
 */
export function pluginOperation({ node, version, plugin, registry }: ChatPlugin): Operation {
  const installed = quote(`${version} ${plugin}`);
  const mine = `${places.data}/npm/projects/*/node_modules/@openclaw/mattermost/package.json`;
  const variables = {
    PATH: `${places.npmFolder}:/usr/bin:/bin`,
    OPENCLAW_STATE_DIR: places.data,
    npm_config_update_notifier: "false",
    NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt",
    ...(registry === undefined ? {} : { npm_config_registry: registry }),
  };
  const given = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  const words = [node, places.program(version), "plugins", "install", `npm:@openclaw/mattermost@${plugin}`].map(quote);
  return {
    kind: "command",
    id: "chat-plugin",
    summary: `OpenClaw's plugin @openclaw/mattermost: install ${plugin}`,
    data: "openclaw",
    restarts: [unitName],
    check: `[ "$(cat ${places.pluginNote} 2>/dev/null)" = ${installed} ] && ls ${mine} >/dev/null 2>&1`,
    // A gateway that runs would do it in this one's place, with a configuration that is not its to write; it is stopped meanwhile.
    apply: `d="$(mktemp -d)" running=
trap 'rm -rf "$d"; if [ -n "$running" ]; then systemctl start ${unitName}; fi' EXIT
if systemctl -q is-active ${unitName}; then running=1; systemctl stop ${unitName}; fi
echo '{}' >"$d/openclaw.json"
chown -R ${user}:${user} "$d"
cd "$d"
runuser -u ${user} -- env HOME="$d" npm_config_cache="$d/cache" OPENCLAW_CONFIG_PATH="$d/openclaw.json" ${given.join(" ")} ${words.join(" ")} --pin --force
echo ${installed} >${places.pluginNote}`,
  };
}
