-- Full text of the events. The text itself stays in `events`; its rows get numbers, which the full text refers to.
ALTER TABLE events RENAME TO events_without_numbers;

CREATE TABLE events (
    id   INTEGER PRIMARY KEY,
    repo TEXT    NOT NULL,
    run  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    type TEXT    NOT NULL,
    text TEXT    NOT NULL,
    UNIQUE (repo, run, seq),
    FOREIGN KEY (repo, run) REFERENCES runs (repo, run) ON DELETE CASCADE
) STRICT;

INSERT INTO events (repo, run, seq, at, type, text)
    SELECT repo, run, seq, at, type, text FROM events_without_numbers ORDER BY at;
DROP TABLE events_without_numbers;

CREATE VIRTUAL TABLE events_text USING fts5 (
    text, content = 'events', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO events_text (rowid, text) SELECT id, text FROM events WHERE text <> '';

-- An event without words is in no text, so it must not be taken out of it either.
CREATE TRIGGER events_text_added AFTER INSERT ON events WHEN new.text <> '' BEGIN
    INSERT INTO events_text (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER events_text_removed AFTER DELETE ON events WHEN old.text <> '' BEGIN
    INSERT INTO events_text (events_text, rowid, text) VALUES ('delete', old.id, old.text);
END;
