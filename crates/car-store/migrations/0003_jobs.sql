-- Long work in the background. What was unfinished when its process died is told as failed at the next start.
CREATE TABLE jobs (
    job_id        TEXT    PRIMARY KEY,
    kind          TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL, -- milliseconds since the Unix epoch
    started_at    INTEGER,
    finished_at   INTEGER,
    result        TEXT,             -- JSON object
    error         TEXT,
    progress      TEXT    NOT NULL, -- Progress as JSON
    owner_pid     INTEGER NOT NULL,
    owner_started INTEGER NOT NULL  -- start of that process in clock ticks since boot
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_by_age ON jobs (created_at);
