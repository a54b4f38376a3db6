-- Answers to requests that brought an idempotency key: the same key gets the same answer.
CREATE TABLE answers (
    key_hash     BLOB    PRIMARY KEY, -- SHA-256 of who asked and the key
    request_hash BLOB    NOT NULL,    -- SHA-256 of what was asked
    status       INTEGER NOT NULL,
    headers      TEXT    NOT NULL,    -- JSON array of pairs
    body         BLOB    NOT NULL,
    at           INTEGER NOT NULL     -- milliseconds since the Unix epoch
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_by_age ON answers (at);
