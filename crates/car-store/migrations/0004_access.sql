-- Who may use the server. Only hashes of secrets are kept, so this file gives nobody access.
CREATE TABLE devices (
    id           TEXT    PRIMARY KEY,
    name         TEXT    NOT NULL,
    token_hash   BLOB    NOT NULL UNIQUE, -- SHA-256 of the session's secret
    created_at   INTEGER NOT NULL,        -- milliseconds since the Unix epoch
    last_used_at INTEGER NOT NULL,
    address      TEXT
) STRICT;

CREATE TABLE pairing_codes (
    code_hash  BLOB    PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what, newest last.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    address TEXT,
    action  TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
