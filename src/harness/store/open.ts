import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { exitCodes, messageOf, OlympusError } from "../../base/errors.ts";
import { migrations } from "./migrations.ts";

export type Row = Record<string, unknown>;

/** The only store on an agent's machine. Statements are prepared once; every hand-over goes through `transaction`. */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #inTransaction = false;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastId: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  get<T extends object = Row>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#prepare(sql).get(...values) as T | undefined;
  }

  all<T extends object = Row>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#prepare(sql).all(...values) as T[];
  }

  /** Runs `work` whole or not at all, durable when it returns. Nested calls join the outer one. `work` must be synchronous. */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work();
    this.#db.exec("BEGIN IMMEDIATE");
    this.#inTransaction = true;
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  meta(key: string): string | undefined {
    return this.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
  }

  setMeta(key: string, value: string): void {
    this.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * Opens (or makes) the database in `dir` and brings it to this version's shape.
 * Throws E-AGENT-DATABASE when it is damaged or written by a newer version: it is then left as it is.
 */
export function openStore(dir: string): Store {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "harness.sqlite");
  try {
    const db = new DatabaseSync(path, { timeout: 5000 });
    db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -1024",
    );
    migrate(db, path);
    return new Store(db);
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
