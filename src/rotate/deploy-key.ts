import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { OlympusError, OlympusErrors } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import { listHosts } from "../team/hosts.ts";
import { onHost, type RotateContext, type Rotation, rotationError } from "./rotation.ts";

const current = "ssh.deploy";
const next = "rotation.ssh.deploy.next";
const old = "rotation.ssh.deploy.old";

/**
 * The key with which Olympus logs in everywhere. The new one is added on every host beside the old one and tried from outside before it
 * takes its place; only then is the old one taken off. A host that cannot be reached ends it before anything was taken away.
 */
export function deployKeyRotation(context: RotateContext): Rotation {
  const { team, secrets } = context;
  const hosts = listHosts(team).map(({ name }) => name);
  const value = (path: string): string => secrets.require(path).reveal();
  const has = (path: string): boolean => secrets.get(path) !== undefined;
  const everywhere = async (work: (host: string) => Promise<unknown>): Promise<void> => {
    const results = await Promise.allSettled(hosts.map(work));
    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    const ours = failed.filter((error) => error instanceof OlympusError);
    if (ours.length < failed.length) throw failed.find((error) => !(error instanceof OlympusError));
    if (ours.length > 0) throw new OlympusErrors(`${ours.length} of ${hosts.length} hosts`, ours);
  };
  return {
    name: current,
    users: [`every host (${hosts.join(", ")})`],
    overlap: "both keys open every host until the new one was tried on all of them",
    begun: () => has(`${next}.private`) || has(`${old}.public`),
    async begin() {
      const pair = generateSshKeyPair(`deploy@${team.name}`);
      secrets.set(`${next}.private`, pair.private);
      secrets.set(`${next}.public`, pair.public);
      await secrets.save();
    },
    async deliver() {
      // Already in its place: only the old one has to go.
      if (!has(`${next}.private`)) return;
      await everywhere((host) => run(host, addKey, value(`${next}.public`)));
    },
    async verify() {
      const path = has(`${next}.private`) ? `${next}.private` : `${current}.private`;
      await everywhere((host) => run(host, "cat >/dev/null", "", new Secret(path, value(path))));
    },
    async finish() {
      if (has(`${next}.private`)) {
        secrets.set(`${old}.public`, value(`${current}.public`));
        for (const half of ["private", "public"]) {
          secrets.set(`${current}.${half}`, value(`${next}.${half}`));
          secrets.delete(`${next}.${half}`);
        }
        await secrets.save();
      }
      await everywhere((host) => run(host, removeKey, value(`${old}.public`)));
      secrets.delete(`${old}.public`);
      await secrets.save();
    },
  };

  async function run(host: string, script: string, stdin: string, key?: Secret): Promise<void> {
    const { code, printed } = await onHost(context, host, script, stdin === "" ? "" : `${stdin}\n`, key);
    if (code !== 0) throw rotationError(`the list of keys could not be changed: ${printed}`, host);
  }
}

/** The login's own list, with the key's words but not its comment as identity. `sudo` of onHost made us root. */
const list = `read -r kind key comment
home=$(getent passwd "$SUDO_USER" | cut -d: -f6) && list=$home/.ssh/authorized_keys && [ -f "$list" ] || { echo "no $list"; exit 1; }`;

const addKey = `${list}
grep -qF " $key" "$list" || grep -q "^$kind $key" "$list" || {
  [ -z "$(tail -c1 "$list")" ] || echo >>"$list"
  printf '%s %s %s\\n' "$kind" "$key" "$comment" >>"$list"
} && sync "$list"`;

/** By rename, with owner and mode of the old list: a cut leaves one or the other whole. */
const removeKey = `${list}
cp -p "$list" "$list.new" && { grep -vF "$key" "$list" >"$list.new" || [ $? = 1 ]; } && [ -s "$list.new" ] && sync "$list.new" && mv "$list.new" "$list"`;
