import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { Sqlite } from "../../base/sqlite.ts";

/** Shape of the forge's database, a step a version. Times are ISO 8601 in UTC without fractions, as GitHub writes them. */
const migrations = [
  `
CREATE TABLE users (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE COLLATE NOCASE, type TEXT NOT NULL, name TEXT, created_at TEXT NOT NULL);
CREATE TABLE tokens (hash TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users, permissions TEXT NOT NULL, repositories TEXT);
CREATE TABLE repos (id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES users, name TEXT NOT NULL COLLATE NOCASE, description TEXT,
  private INTEGER NOT NULL, default_branch TEXT NOT NULL, parent_id INTEGER REFERENCES repos, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  pushed_at TEXT NOT NULL, UNIQUE (owner_id, name));
CREATE TABLE former_names (owner_id INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE, repo_id INTEGER NOT NULL, PRIMARY KEY (owner_id, name));
CREATE TABLE collaborators (repo_id INTEGER NOT NULL REFERENCES repos, user_id INTEGER NOT NULL REFERENCES users, role TEXT NOT NULL, PRIMARY KEY (repo_id, user_id));
CREATE TABLE refs (repo_id INTEGER NOT NULL REFERENCES repos, name TEXT NOT NULL, sha TEXT NOT NULL, PRIMARY KEY (repo_id, name));
CREATE TABLE labels (id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL REFERENCES repos, name TEXT NOT NULL COLLATE NOCASE, color TEXT NOT NULL, description TEXT, UNIQUE (repo_id, name));
CREATE TABLE issues (id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL REFERENCES repos, number INTEGER NOT NULL, title TEXT NOT NULL, body TEXT,
  user_id INTEGER NOT NULL REFERENCES users, state TEXT NOT NULL DEFAULT 'open', state_reason TEXT, closed_by INTEGER, closed_at TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, UNIQUE (repo_id, number));
CREATE TABLE issue_labels (issue_id INTEGER NOT NULL REFERENCES issues, label_id INTEGER NOT NULL REFERENCES labels ON DELETE CASCADE, PRIMARY KEY (issue_id, label_id));
CREATE TABLE assignees (issue_id INTEGER NOT NULL REFERENCES issues, user_id INTEGER NOT NULL REFERENCES users, PRIMARY KEY (issue_id, user_id));
CREATE TABLE comments (id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL REFERENCES issues, user_id INTEGER NOT NULL REFERENCES users, body TEXT NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE reactions (id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, subject_id INTEGER NOT NULL, user_id INTEGER NOT NULL REFERENCES users,
  content TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (subject, subject_id, user_id, content));
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos, issue_id INTEGER NOT NULL REFERENCES issues, user_id INTEGER NOT NULL,
  event TEXT NOT NULL, commit_id TEXT, label TEXT, assignee_id INTEGER, created_at TEXT NOT NULL);
CREATE TABLE pulls (issue_id INTEGER PRIMARY KEY REFERENCES issues, head_repo_id INTEGER NOT NULL REFERENCES repos, head_ref TEXT NOT NULL, head_sha TEXT NOT NULL,
  base_ref TEXT NOT NULL, base_sha TEXT NOT NULL, draft INTEGER NOT NULL, merged_at TEXT, merged_by INTEGER, merge_sha TEXT);
CREATE TABLE review_requests (issue_id INTEGER NOT NULL REFERENCES issues, user_id INTEGER NOT NULL REFERENCES users, PRIMARY KEY (issue_id, user_id));
CREATE TABLE reviews (id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL REFERENCES issues, user_id INTEGER NOT NULL REFERENCES users, state TEXT NOT NULL,
  body TEXT NOT NULL, commit_id TEXT NOT NULL, submitted_at TEXT);
CREATE TABLE review_comments (id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL REFERENCES issues, review_id INTEGER NOT NULL REFERENCES reviews,
  user_id INTEGER NOT NULL REFERENCES users, body TEXT NOT NULL, path TEXT NOT NULL, line INTEGER NOT NULL, side TEXT NOT NULL, start_line INTEGER, start_side TEXT,
  commit_id TEXT NOT NULL, hunk TEXT NOT NULL, position INTEGER NOT NULL, outdated INTEGER NOT NULL DEFAULT 0, in_reply_to INTEGER, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE statuses (id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos, sha TEXT NOT NULL, state TEXT NOT NULL, context TEXT NOT NULL,
  description TEXT, target_url TEXT, user_id INTEGER NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE check_runs (id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos, sha TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,
  conclusion TEXT, title TEXT, summary TEXT, text TEXT, external_id TEXT, details_url TEXT, user_id INTEGER NOT NULL, started_at TEXT NOT NULL, completed_at TEXT);
CREATE TABLE protections (repo_id INTEGER NOT NULL REFERENCES repos, branch TEXT NOT NULL, rules TEXT NOT NULL, PRIMARY KEY (repo_id, branch));
CREATE TABLE hooks (id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos, url TEXT NOT NULL, secret TEXT, content_type TEXT NOT NULL,
  events TEXT NOT NULL, active INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, hook_id INTEGER NOT NULL REFERENCES hooks ON DELETE CASCADE, guid TEXT NOT NULL, event TEXT NOT NULL, action TEXT,
  payload TEXT NOT NULL, redelivery INTEGER NOT NULL, delivered_at TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, status_code INTEGER NOT NULL,
  duration REAL NOT NULL, request_headers TEXT NOT NULL, response TEXT);
CREATE INDEX deliveries_waiting ON deliveries (sent) WHERE sent = 0;
CREATE INDEX statuses_of ON statuses (repo_id, sha);
CREATE INDEX comments_of ON comments (issue_id);
CREATE TABLE usage (token TEXT PRIMARY KEY, hour_ends INTEGER NOT NULL, used INTEGER NOT NULL);
`,
  "ALTER TABLE hooks ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;",
];

/** The forge's records. */
export class Database extends Sqlite {
  /** Opens (or makes) `forge.sqlite` in `dir`. Throws what SQLite says when the file is damaged. */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const db = new DatabaseSync(join(dir, "forge.sqlite"), { timeout: 5000 });
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version > migrations.length) throw new Error(`forge.sqlite has version ${version}: a newer forge wrote it`);
    for (let next = version; next < migrations.length; next++)
      db.exec(`BEGIN IMMEDIATE; ${migrations[next]} PRAGMA user_version = ${next + 1}; COMMIT`);
    super(db);
  }

  /** How many rows `SELECT count(*) AS n …` finds. */
  count(sql: string, ...values: SQLInputValue[]): number {
    return this.get<{ n: number }>(sql, ...values)?.n ?? 0;
  }
}
