import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { listHosts } from "../team/hosts.ts";
import { oldValueOf, onHost, type RotateContext, type Rotation, replaceValues, rotationError } from "./rotation.ts";

/**
 * The key with which a host brings its backups to where they are kept. That place takes both until the new one was used from the host;
 * an old one then opens nothing.
 */
export function backupKeyRotation(host: string, context: RotateContext): Rotation {
  const { secrets, apply } = context;
  const path = `backup.${host}.ssh`;
  const store = backupStoreOf(host, context);
  const old = (half: "private" | "public"): string | undefined => oldValueOf(secrets, `${path}.${half}`);
  return {
    name: path,
    users: [host, store],
    overlap: `${store} takes both keys until the new one was used`,
    begun: () => old("private") !== undefined,
    async begin() {
      const pair = generateSshKeyPair(`backup@${host}`);
      await replaceValues(secrets, { [`${path}.private`]: pair.private, [`${path}.public`]: pair.public });
    },
    async deliver() {
      await apply("backup", [store]);
      await apply("backup", [host]);
    },
    async verify() {
      const { code, printed } = await onHost(context, host, "/opt/olympus/backup/backup list >/dev/null", "");
      if (code !== 0) throw rotationError(`${store} does not take the new key: ${printed}`, host);
    },
    async finish() {
      // Only the public half lets anybody in: the place where backups are kept forgets it first, and is asked whether it did.
      secrets.delete(`rotation.${path}.public`);
      await secrets.save();
      await apply("backup", [store]);
      const { code, printed } = await onHost(context, host, listWithGivenKey, old("private")!);
      if (code === 0 || !printed.includes("Permission denied")) {
        throw rotationError(`${store} was to refuse the old key: ${printed || "it did not"}`, host);
      }
      secrets.delete(`rotation.${path}.private`);
      await secrets.save();
    },
  };
}

/** The host that keeps another one's backups. Throws E-SECRET-ROTATE where there is none. */
export function backupStoreOf(host: string, { team }: Pick<RotateContext, "team">): string {
  const store = listHosts(team).find(({ name }) => name === host)?.roles.backup?.to;
  if (typeof store === "string") return store;
  throw new OlympusError(`${host} sends its backups nowhere`, {
    code: "E-SECRET-ROTATE",
    exit: exitCodes.usage,
    where: team.file,
    hint: "The role backup has  to:  on hosts that send theirs. npx olympus backup list",
  });
}

/** Asks for the list of backups with the key on stdin, which lies in memory meanwhile. */
const listWithGivenKey = `. /etc/olympus/backup.conf
key=$(mktemp -p /dev/shm) && trap 'rm -f "$key"' EXIT && cat >"$key" && ssh -F none -T -i "$key" -p "$PORT" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/etc/olympus/backup.known_hosts -o ConnectTimeout=20 "$STORE" list </dev/null >/dev/null`;
