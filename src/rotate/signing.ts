import { signersFile, signingKey } from "../../roles/github/files.ts";
import { formerKeysPath, knowsEnds } from "../../roles/github/signers.ts";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { quote } from "../base/quote.ts";
import { fingerprint, parseHostKey } from "../ssh/host-key.ts";
import { playedForge } from "../team/forge.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import { oldValueOf, onHost, type RotateContext, type Rotation, replaceValues, rotationError } from "./rotation.ts";

/**
 * The key that signs an agent's commits. Every machine knows both until the new one has signed; the old public half then stays for what it
 * signed, and for nothing that is dated later.
 */
export function signingKeyRotation(host: Host, context: RotateContext): Rotation {
  const { team, secrets, apply } = context;
  const agent = host.name;
  const path = `agents.${agent}.signing`;
  const role = host.roles.github!;
  const all = listHosts(team).filter(({ roles }) => "github" in roles);
  const old = (half: "private" | "public"): string | undefined => oldValueOf(secrets, `${path}.${half}`);
  return {
    name: path,
    users: [`${agent}'s git`, ...all.filter(({ name }) => name !== agent).map(({ name }) => name)],
    overlap: "commits by both verify; those of before go on doing so",
    begun: () => old("private") !== undefined,
    async begin() {
      const pair = generateSshKeyPair(`${agent}@${team.name}`);
      await replaceValues(secrets, { [`${path}.private`]: pair.private, [`${path}.public`]: pair.public });
    },
    async deliver() {
      // Who only checks comes first: a commit by the new key is known wherever it arrives.
      const others = all.map(({ name }) => name).filter((name) => name !== agent);
      if (others.length > 0) await apply("github", others);
      await apply("github", [agent]);
    },
    async verify() {
      const shown = await signed("$(date +%s)");
      const wanted = fingerprint(parseHostKey(secrets.require(`${path}.public`).reveal()).blob);
      if (shown === `G ${wanted}`) return;
      throw rotationError(`a commit by the new key does not verify: ${shown} instead of G ${wanted}`, agent);
    },
    async finish() {
      const key = old("public");
      if (key !== undefined) {
        // The agent's own clock dates its commits. Those of before the end are by the old key, and the new one is in its place by now.
        const { printed: end } = await onHost(context, agent, "date -u +%Y%m%d%H%M%SZ", "");
        if (!/^\d{14}Z$/.test(end)) throw rotationError(`the time could not be read: ${end}`, agent);
        const former = secrets.get(formerKeysPath(agent))?.reveal().trim();
        secrets.set(formerKeysPath(agent), [...(former === undefined ? [] : [former]), `${end} ${key}`].join("\n"));
        secrets.delete(`rotation.${path}.public`);
        await secrets.save();
      }
      await apply(
        "github",
        all.map(({ name }) => name),
      );
      // Dated before that end, however long ago it was: a rotation may be taken up again after days.
      const end = secrets.require(formerKeysPath(agent)).reveal().split("\n").at(-1)!;
      const before = await signed(`${secondsOf(end) - 60}`, old("private")!);
      if (!before.startsWith("G ")) throw rotationError(`a commit of before does not verify: ${before}`, agent);
      const after = knowsEnds(host) ? await signed("$(($(date +%s) + 60))", old("private")!) : "";
      if (after.startsWith("G ")) throw rotationError("a commit by the old key still verifies", agent);
      secrets.delete(`rotation.${path}.private`);
      await secrets.save();
    },
    left() {
      // The team's own forge looks at no signature.
      if (playedForge(team) !== undefined) return undefined;
      return `At GitHub, add the new public half as a signing key of ${String(role.login)}, and leave the old one, by which its commits of before stay verified: npx olympus secrets get ${path}.public  (all halves of before: npx olympus secrets get ${formerKeysPath(agent)})`;
    },
  };

  /** What git on the machine says of a commit dated `at`, a word of its shell for seconds, by the role's own key or a given one: `G SHA256:…` when it verifies. */
  async function signed(at: string, key = ""): Promise<string> {
    const login = typeof role.user === "string" ? role.user : "agent";
    const script = `runuser -l ${quote(login)} -c ${quote(commitScript(at, signingKey(`/home/${login}`)))}`;
    const { printed } = await onHost(context, agent, script, key);
    const shown = /^signed: (\w SHA256:\S+)$/m.exec(printed)?.[1];
    if (shown === undefined) throw rotationError(`a commit could not be signed: ${printed}`, agent);
    return shown;
  }
}

/** Of the end that a line of former halves begins with, as ssh writes times: `20261122103000Z`. */
function secondsOf(line: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z /.exec(line)!.map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000;
}

/** Signs a commit in memory, with the key on stdin where there is one; people's own settings and hooks are left out of it. */
const commitScript = (at: string, own: string): string => `umask 077
folder=$(mktemp -d -p /dev/shm) && trap 'rm -rf "$folder"' EXIT && cd "$folder" && cat >key || exit
key=${own}; if [ -s key ]; then key=$folder/key; fi
export GIT_COMMITTER_DATE="@${at} +0000"
with() { git -c gpg.format=ssh -c gpg.ssh.allowedSignersFile=${signersFile} -c user.signingKey="$key" -c core.hooksPath=/dev/null "$@"; }
with init -q commits && cd commits && with commit -q -S --allow-empty -m tried && with log -1 --format='signed: %G? %GF'`;
