/** The row of `answer_times` that a wait (ms) counts in: the bounds of the dashboard's histogram. */
function boundOf(waited: string): string {
  const bounds = [250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000];
  return `CASE ${bounds.map((bound) => `WHEN ${waited} <= ${bound} THEN ${bound}`).join(" ")} ELSE 0 END`;
}

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
  `
  -- What calls to models that are over cost, a row a day, model and kind of run, and how long mentions waited for their answer, a row a
  -- bound (ms; 0: longer than all). Kept by triggers: nobody who looks on reads a hundred thousand steps.
  CREATE TABLE costs (
    day TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    kind TEXT NOT NULL,
    calls INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    usd REAL NOT NULL,
    took_ms INTEGER NOT NULL,
    PRIMARY KEY (day, provider, model, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE answer_times (
    bound INTEGER PRIMARY KEY,
    n INTEGER NOT NULL,
    ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX steps_started ON steps (id) WHERE outcome = 'started';
  CREATE INDEX runs_state ON runs (state, started_at);
  ${["INSERT", "UPDATE OF outcome"]
    .map(
      (event) => `CREATE TRIGGER costs_${event.slice(0, 6).toLowerCase()} AFTER ${event} ON steps
  WHEN new.usd IS NOT NULL AND new.outcome <> 'started' ${event === "INSERT" ? "" : "AND old.outcome = 'started'"} BEGIN
    INSERT INTO costs VALUES (coalesce(new.day, date(new.at / 1000, 'unixepoch')), coalesce(new.provider, ''), coalesce(new.model, ''),
      (SELECT kind FROM runs WHERE id = new.run), 1, new.outcome <> 'ok', coalesce(new.input_tokens, 0), coalesce(new.cached_tokens, 0),
      coalesce(new.output_tokens, 0), new.usd, new.took_ms)
    ON CONFLICT DO UPDATE SET calls = calls + 1, failed = failed + excluded.failed, input_tokens = input_tokens + excluded.input_tokens,
      cached_tokens = cached_tokens + excluded.cached_tokens, output_tokens = output_tokens + excluded.output_tokens,
      usd = usd + excluded.usd, took_ms = took_ms + excluded.took_ms;
  END;`,
    )
    .join("\n  ")}
  CREATE TRIGGER answered AFTER UPDATE OF state ON outbox
  WHEN new.state = 'sent' AND old.state <> 'sent' AND new.part = 0 AND (SELECT kind FROM runs WHERE id = new.run) = 'mention' BEGIN
    INSERT INTO answer_times
    SELECT ${boundOf("waited")}, 1, waited FROM (
      SELECT max(0, new.sent_at - received_at) AS waited FROM runs JOIN inbox ON inbox.id = runs.inbox WHERE runs.id = new.run) WHERE true
    ON CONFLICT DO UPDATE SET n = n + 1, ms = ms + excluded.ms;
  END;
  INSERT INTO costs
  SELECT coalesce(day, date(at / 1000, 'unixepoch')), coalesce(provider, ''), coalesce(model, ''), runs.kind, count(*),
    sum(steps.outcome <> 'ok'), sum(coalesce(input_tokens, 0)), sum(coalesce(cached_tokens, 0)), sum(coalesce(output_tokens, 0)),
    sum(usd), sum(took_ms)
  FROM steps JOIN runs ON runs.id = steps.run WHERE usd IS NOT NULL AND steps.outcome <> 'started' GROUP BY 1, 2, 3, 4;
  INSERT INTO answer_times
  SELECT ${boundOf("waited")}, count(*), sum(waited) FROM (
    SELECT max(0, sent_at - received_at) AS waited FROM outbox JOIN runs ON runs.id = outbox.run JOIN inbox ON inbox.id = runs.inbox
    WHERE part = 0 AND outbox.state = 'sent' AND runs.kind = 'mention') GROUP BY 1;
  `,
  `
  -- What is less than 1 comes first: people who wait for an answer.
  ALTER TABLE inbox ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
  DROP INDEX inbox_waiting;
  CREATE INDEX inbox_waiting ON inbox (priority, created_at, id) WHERE state = 'new';

  -- Answers of the forge that may be asked for again with their ETag: unchanged ones cost no request.
  CREATE TABLE forge_answers (
    key TEXT PRIMARY KEY,
    etag TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Issues that this agent claimed, and what became of them. \`base\` is the commit that the work began at, \`head\` what was pushed last.
  CREATE TABLE work (
    repo TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('claimed', 'pushed', 'opened', 'merged', 'closed', 'released', 'human')),
    branch TEXT NOT NULL,
    base TEXT NOT NULL,
    head TEXT,
    pull INTEGER,
    run TEXT NOT NULL,
    -- The comment that tells of the claim.
    comment INTEGER,
    lease_until INTEGER NOT NULL,
    -- Rounds of review comments that were answered.
    rounds INTEGER NOT NULL DEFAULT 0,
    -- Where it began in the chat.
    channel TEXT,
    root TEXT,
    chain TEXT NOT NULL,
    hops INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (repo, number)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX work_pull ON work (repo, pull) WHERE pull IS NOT NULL;
  `,
  `
  -- Who did what and why: each entry's hash is of it and all before it. Nothing in it is ever changed.
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    entry TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is never changed'); END;
  CREATE TRIGGER audit_whole BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is never shortened'); END;
  `,
  `
  -- What waits for a person's approval, was approved, was done: \`value\` is the gate as JSON.
  CREATE TABLE gates (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'asked', 'open', 'done', 'closed')),
    value TEXT NOT NULL
  ) STRICT;
  CREATE INDEX gates_live ON gates (state) WHERE state IN ('waiting', 'asked', 'open');
  `,
  `
  -- Reviews and comments up to this time, the forge's, were answered.
  ALTER TABLE work ADD COLUMN heard_until INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Which reviews and comments were answered, as a JSON list: two may have come within one second, and one was not there yet.
  ALTER TABLE work DROP COLUMN heard_until;
  ALTER TABLE work ADD COLUMN heard TEXT NOT NULL DEFAULT '[]';
  `,
  `
  -- What a run changed in a repository and handed over, as a diff; its beginning where that is long.
  CREATE TABLE changes (
    run TEXT NOT NULL REFERENCES runs (id),
    repo TEXT NOT NULL,
    -- The commit.
    head TEXT NOT NULL,
    diff TEXT NOT NULL,
    PRIMARY KEY (run, repo, head)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What agents wrote, by what it goes back to: it is counted how often they were answered.
  CREATE INDEX inbox_chain ON inbox (payload ->> 'chain') WHERE payload ->> 'chain' IS NOT NULL;
  `,
  `
  -- What persons last wished in a thread is looked for by it.
  CREATE INDEX inbox_lane ON inbox (lane, created_at) WHERE kind = 'mention';
  `,
];
