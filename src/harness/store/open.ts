import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { exitCodes, messageOf, OlympusError } from "../../base/errors.ts";
import type { Secret } from "../../base/secret.ts";
import { Sqlite } from "../../base/sqlite.ts";
import { migrations } from "./migrations.ts";

/** The only store on an agent's machine: every hand-over goes through `transaction`. */
export class Store extends Sqlite {
  /** What must never be written into the audit log. */
  readonly secrets: readonly Secret[];

  constructor(db: DatabaseSync, secrets: readonly Secret[] = []) {
    super(db);
    this.secrets = secrets;
  }

  meta(key: string): string | undefined {
    return this.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
  }

  setMeta(key: string, value: string): void {
    this.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);
  }
}

/**
 * Opens (or makes) the database in `dir` and brings it to this version's shape.
 * Throws E-AGENT-DATABASE when it is damaged or written by a newer version: it is then left as it is.
 */
export function openStore(dir: string, secrets: readonly Secret[] = []): Store {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "harness.sqlite");
  try {
    const db = new DatabaseSync(path, { timeout: 5000 });
    db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -1024",
    );
    migrate(db, path);
    return new Store(db, secrets);
  } catch (cause) {
    if (cause instanceof OlympusError) throw cause;
    throw new OlympusError(`cannot open the agent's database: ${messageOf(cause)}`, {
      code: "E-AGENT-DATABASE",
      where: path,
      hint: "nothing was changed; look at free space and owner of the folder, or restore the file from a backup",
      cause,
    });
  }
}

function migrate(db: DatabaseSync, path: string): void {
  const version = Number((db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version);
  if (version > migrations.length) {
    throw new OlympusError(`the database has version ${version}, this harness knows up to ${migrations.length}`, {
      code: "E-AGENT-DATABASE",
      exit: exitCodes.usage,
      where: path,
      hint: "a newer harness wrote it: set up the agent role with that version again",
    });
  }
  for (let next = version; next < migrations.length; next++) {
    db.exec(`BEGIN IMMEDIATE; ${migrations[next]} PRAGMA user_version = ${next + 1}; COMMIT`);
  }
}
