/**
 * The database's shape, one migration a version, applied in order and never edited once released.
 * Times are milliseconds since the epoch; `created_at` of an inbox row is the chat server's time, all others are this machine's.
 */
export const migrations: readonly string[] = [
  `
  -- Everything that may cause work, once: source and source_id come from the other side.
  CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    lane TEXT NOT NULL,
    kind TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'claimed', 'done')),
    UNIQUE (source, source_id)
  ) STRICT;
  CREATE INDEX inbox_waiting ON inbox (created_at, id) WHERE state = 'new';
  CREATE INDEX inbox_author ON inbox (author, kind, received_at);

  -- One conversation each; at most one run at a time.
  CREATE TABLE lanes (
    key TEXT PRIMARY KEY,
    run TEXT,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    inbox INTEGER NOT NULL UNIQUE REFERENCES inbox (id),
    lane TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'delivering', 'done', 'failed')),
    starts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
  ) STRICT;
  CREATE INDEX runs_open ON runs (state) WHERE state IN ('running', 'delivering');
  CREATE INDEX runs_recent ON runs (started_at);

  -- The journal of a run: acknowledgement, context, model calls, deliveries.
  CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id),
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    took_ms INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL,
    provider TEXT,
    model TEXT,
    input_tokens INTEGER,
    cached_tokens INTEGER,
    output_tokens INTEGER,
    usd REAL,
    detail TEXT
  ) STRICT;
  CREATE INDEX steps_run ON steps (run);
  CREATE INDEX steps_cost ON steps (at) WHERE usd IS NOT NULL;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id),
    part INTEGER NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    target_id TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    UNIQUE (run, part)
  ) STRICT;
  CREATE INDEX outbox_pending ON outbox (run) WHERE state = 'pending';

  -- How far each channel has been read, in the server's time.
  CREATE TABLE cursors (
    source TEXT NOT NULL,
    channel TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (source, channel)
  ) STRICT;

  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE INDEX outbox_dead ON outbox (run) WHERE state = 'dead';
  `,
  `
  -- The day that a model call counts for, at the agent's place: \`2026-11-21\`.
  ALTER TABLE steps ADD COLUMN day TEXT;
  `,
  `
  -- The conversation of a run that works with tools, message by message: after a crash it goes on where it was.
  CREATE TABLE turns (
    run TEXT NOT NULL REFERENCES runs (id),
    part TEXT NOT NULL,
    seq INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (run, part, seq)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What people asked to remember, with who said it and when; \`source\` is their post. Found again by its words.
  CREATE TABLE notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('note', 'fact')),
    text TEXT NOT NULL,
    author TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    source TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE VIRTUAL TABLE notes_text USING fts5 (text, content = 'notes', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2');
  CREATE TRIGGER notes_kept AFTER INSERT ON notes BEGIN
    INSERT INTO notes_text (rowid, text) VALUES (new.id, new.text);
  END;
  CREATE TRIGGER notes_dropped AFTER DELETE ON notes BEGIN
    INSERT INTO notes_text (notes_text, rowid, text) VALUES ('delete', old.id, old.text);
  END;
  `,
];
