import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { OlympusError, OlympusErrors } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import { targetOf } from "../converge/target.ts";
import { listHosts } from "../team/hosts.ts";
import { type Door, onTarget, type RotateContext, type Rotation, rotationError } from "./rotation.ts";

const current = "ssh.deploy";
const next = "rotation.ssh.deploy.next";
const old = "rotation.ssh.deploy.old";

/**
 * The key with which Olympus logs in everywhere. The new one is added on every host beside the old one and tried from outside before it
 * takes its place; only then is the old one taken off. A host that cannot be reached ends it before anything was taken away.
 */
export function deployKeyRotation(context: RotateContext): Rotation {
  const { team, secrets } = context;
  const hosts = listHosts(team);
  const value = (path: string): string => secrets.require(path).reveal();
  const has = (path: string): boolean => secrets.get(path) !== undefined;
  /**
   * Every host, and every jump host that is none of them: who cannot pass it reaches nothing behind it. There the login need not be able
   * to become root: the list is its own.
   */
  const doors = (): Door[] => {
    const targets = hosts.map((host) => targetOf(host, team, secrets));
    const jumps = new Map(
      targets.flatMap(({ via }) => (via === undefined ? [] : [[`${via.address}:${via.port}`, via]])),
    );
    for (const { address, port } of targets) jumps.delete(`${address}:${port}`);
    return [
      ...targets.map((target) => ({ target, root: true })),
      ...[...jumps.values()].map((target) => ({ target, root: false })),
    ];
  };
  const everywhere = async (work: (door: Door) => Promise<unknown>): Promise<void> => {
    const all = doors();
    const results = await Promise.allSettled(all.map(work));
    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    const ours = failed.filter((error) => error instanceof OlympusError);
    if (ours.length < failed.length) throw failed.find((error) => !(error instanceof OlympusError));
    if (ours.length > 0) throw new OlympusErrors(`${ours.length} of ${all.length} hosts`, ours);
  };
  return {
    name: current,
    users: [`every host (${hosts.map(({ name }) => name).join(", ")})`],
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
      await everywhere((door) => run(door, addKey, value(`${next}.public`)));
    },
    async verify() {
      const path = has(`${next}.private`) ? `${next}.private` : `${current}.private`;
      const privateKey = new Secret(path, value(path));
      await everywhere(({ target, root }) => {
        const { via } = target;
        const ways = via === undefined ? {} : { via: { ...via, privateKey } };
        return run({ target: { ...target, ...ways, privateKey }, root }, "cat >/dev/null", "");
      });
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
      await everywhere((door) => run(door, removeKey, value(`${old}.public`)));
      secrets.delete(`${old}.public`);
      await secrets.save();
    },
  };

  async function run(door: Door, script: string, stdin: string): Promise<void> {
    const { code, printed } = await onTarget(context, door, script, stdin === "" ? "" : `${stdin}\n`);
    if (code !== 0) throw rotationError(`the list of keys could not be changed: ${printed}`, door.target.name);
  }
}

/** The login's own list, with the key's words but not its comment as identity. */
const list = `read -r kind key comment
home=$(getent passwd "\${SUDO_USER:-$(id -un)}" | cut -d: -f6) && list=$home/.ssh/authorized_keys && [ -f "$list" ] || { echo "no $list"; exit 1; }`;

const addKey = `${list}
grep -qF " $key" "$list" || grep -q "^$kind $key" "$list" || {
  [ -z "$(tail -c1 "$list")" ] || echo >>"$list"
  printf '%s %s %s\\n' "$kind" "$key" "$comment" >>"$list"
} && sync "$list"`;

/** By rename, with owner and mode of the old list: a cut leaves one or the other whole. */
const removeKey = `${list}
cp -p "$list" "$list.new" && { grep -vF "$key" "$list" >"$list.new" || [ $? = 1 ]; } && [ -s "$list.new" ] && sync "$list.new" && mv "$list.new" "$list"`;
