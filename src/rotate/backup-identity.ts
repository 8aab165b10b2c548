import { earlierIdentities } from "../../roles/backup/keys.ts";
import { runBackup, whichOpen } from "../backup/backup.ts";
import { backupStoreOf } from "./backup-key.ts";
import { forgetOld, oldValueOf, type RotateContext, type Rotation, replaceValue, rotationError } from "./rotation.ts";

/**
 * The age identity with which a host opens its own backups. New ones are sealed for the new identity alone; the old one stays on the host
 * beside it for as long as a backup is kept that needs it: a rotation's end looks through all of them, and drops the identities that none
 * needs.
 */
export function backupIdentityRotation(host: string, context: RotateContext): Rotation {
  const { secrets, apply } = context;
  const path = `backup.${host}.identity`;
  const earlierPath = earlierIdentities(host);
  const earlier = (): string[] => secrets.get(earlierPath)?.reveal().split("\n") ?? [];
  backupStoreOf(host, context);
  return {
    name: path,
    users: [host],
    overlap: `${host} opens its backups with either; the old one stays there while a backup is kept that needs it`,
    begun: () => oldValueOf(secrets, path) !== undefined,
    async begin() {
      const { generateX25519Identity } = await import("age-encryption");
      secrets.set(earlierPath, [secrets.require(path).reveal(), ...earlier()].join("\n"));
      await replaceValue(secrets, path, await generateX25519Identity());
    },
    // The host has its identities before it seals anything for the new one.
    deliver: () => apply("backup", [host]),
    async verify() {
      // One at a time is made on a host: from here on none is under way that was begun for the old one.
      const name = await runBackup(context, host, "now");
      const identities = [secrets.require(path).reveal(), oldValueOf(secrets, path)!];
      const places = (await whichOpen(context, host, identities, name)).get(name) ?? [];
      if (!places.includes(0)) throw rotationError(`the new identity does not open the backup ${name}`, host);
      if (places.includes(1)) throw rotationError(`the old identity still opens the new backup ${name}`, host);
    },
    async finish() {
      const kept = [...(await whichOpen(context, host, [secrets.require(path).reveal(), ...earlier()])).values()];
      // One that nothing opens here may be broken, or not have arrived just now: then all stay, and the next rotation looks again.
      const sure = kept.every((places) => places.length > 0);
      const needed = earlier().filter(
        (_, index) => !sure || kept.some((places) => places.includes(index + 1) && !places.includes(0)),
      );
      if (needed.length === 0) secrets.delete(earlierPath);
      else secrets.set(earlierPath, needed.join("\n"));
      await secrets.save();
      await apply("backup", [host]);
      await forgetOld(secrets, path);
    },
  };
}
