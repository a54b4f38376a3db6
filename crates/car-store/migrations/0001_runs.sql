-- Runs and their events, indexed from the journals. Everything here can be deleted and rebuilt from files.
CREATE TABLE runs (
    repo         TEXT    NOT NULL,
    run          INTEGER NOT NULL,
    outcome      TEXT,               -- NULL while the run is open
    started_at   INTEGER,            -- milliseconds since the Unix epoch
    finished_at  INTEGER,
    total_tokens INTEGER NOT NULL DEFAULT 0,
    summary      TEXT    NOT NULL,   -- RunSummary as JSON
    journal_read INTEGER NOT NULL,   -- bytes of the journal that are indexed, up to a newline
    PRIMARY KEY (repo, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_by_start ON runs (started_at);

CREATE TABLE events (
    repo TEXT    NOT NULL,
    run  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    type TEXT    NOT NULL,
    text TEXT    NOT NULL,
    PRIMARY KEY (repo, run, seq),
    FOREIGN KEY (repo, run) REFERENCES runs (repo, run) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
