-- What the session files of one CODEX_HOME say about tokens. Everything here can be deleted and read again from them.
CREATE TABLE files (
    id       INTEGER PRIMARY KEY,
    path     TEXT    NOT NULL UNIQUE,    -- below CODEX_HOME
    session  TEXT    NOT NULL,           -- the thread; a file that was archived keeps it
    size     INTEGER NOT NULL,           -- as last looked at; -1 while there is more to read
    modified INTEGER NOT NULL,           -- nanoseconds since the Unix epoch, as last looked at
    inode    INTEGER NOT NULL,
    offset   INTEGER NOT NULL,           -- bytes that are indexed, up to a newline
    head     BLOB    NOT NULL,           -- the first bytes, to notice another file of the same name
    state    TEXT    NOT NULL,           -- what the reader knows at the offset, as JSON
    bad      INTEGER NOT NULL,           -- records that could not be read
    counted  INTEGER NOT NULL DEFAULT 1  -- 0: another copy of the session is longer
) STRICT;

CREATE INDEX files_by_session ON files (session);

CREATE TABLE places (
    id  INTEGER PRIMARY KEY,
    cwd TEXT NOT NULL UNIQUE             -- as the session tells it; empty when it does not
) STRICT;

CREATE TABLE models (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
    file      INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL,          -- milliseconds since the Unix epoch
    place     INTEGER NOT NULL REFERENCES places (id),
    model     INTEGER NOT NULL REFERENCES models (id),
    calls     INTEGER NOT NULL,          -- 0: only rate limits were told
    input     INTEGER NOT NULL,          -- cached tokens included
    cached    INTEGER NOT NULL,
    output    INTEGER NOT NULL,          -- reasoning included
    reasoning INTEGER NOT NULL,
    total     INTEGER NOT NULL,
    PRIMARY KEY (file, seq)
) STRICT, WITHOUT ROWID;

-- The last rate limits told in each hour.
CREATE TABLE limits (
    file  INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    place INTEGER NOT NULL REFERENCES places (id),
    hour  INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    value TEXT    NOT NULL,              -- as Codex writes it
    PRIMARY KEY (file, place, hour)
) STRICT, WITHOUT ROWID;

-- Where the repositories of a hub lie and lay, so that the tokens of a removed one keep their owner.
CREATE TABLE known_roots (
    hub  TEXT NOT NULL,
    root TEXT NOT NULL,
    repo TEXT NOT NULL,
    PRIMARY KEY (hub, root)
) STRICT, WITHOUT ROWID;
