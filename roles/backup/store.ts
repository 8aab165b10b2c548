import type { Operation } from "../../src/converge/operations.ts";
import { program, programFolder, storeFolder, storeUser } from "./programs.ts";
import type { BackupInputs } from "./role.ts";

const home = "/var/lib/olympus-backup-store";

/** A place for others' backups: each host's key may add to and read its own folder, and do nothing else. */
export function storeOperations(kept: BackupInputs["kept"]): Operation[] {
  const store = `${programFolder}/store`;
  const keys = kept
    .flatMap(({ name, keys }) => keys.map((key) => `restrict,command="${store} ${name}" ${key}\n`))
    .join("");
  return [
    { kind: "user", id: "store-user", name: storeUser, system: true, home, shell: "/bin/bash" },
    { kind: "file", id: "store-program", path: store, content: program("store.sh"), mode: "0755" },
    { kind: "directory", id: "srv", path: "/srv/olympus", data: "backups" },
    { kind: "directory", id: "store", path: storeFolder, mode: "0711", data: "backups" },
    ...kept.flatMap(({ name, keepDays }): Operation[] => [
      {
        kind: "directory",
        id: `store-${name}`,
        path: `${storeFolder}/${name}`,
        mode: "0700",
        owner: storeUser,
        data: "backups",
        tree: true,
      },
      { kind: "file", id: `days-${name}`, path: `${storeFolder}/${name}.days`, content: `${keepDays}\n` },
    ]),
    // Root's own: who sends backups cannot let more keys in.
    { kind: "directory", id: "store-home", path: home },
    { kind: "directory", id: "store-ssh", path: `${home}/.ssh` },
    { kind: "file", id: "store-keys", path: `${home}/.ssh/authorized_keys`, content: keys },
  ];
}
