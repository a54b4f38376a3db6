-- What the Telegram bot must not forget. Unlike car.db this cannot be made anew from files.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Updates as they came; stored before Telegram is told that they have arrived.
CREATE TABLE inbox (
    update_id INTEGER PRIMARY KEY,
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    incoming TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_done INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX inbox_open ON inbox (update_id) WHERE is_done = 0;

-- A topic of a group, or a chat without topics (topic 0).
CREATE TABLE topics (
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    workspace TEXT,
    repo_id TEXT,
    codex_thread TEXT,
    settings TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (chat, topic)
) STRICT;
CREATE INDEX topics_by_thread ON topics (codex_thread);

-- The conversations a topic has had.
CREATE TABLE threads (
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    codex_thread TEXT NOT NULL,
    workspace TEXT NOT NULL,
    preview TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (chat, topic, codex_thread)
) STRICT;

CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    reply_to INTEGER,
    work TEXT NOT NULL,
    -- held, queued, running, ended
    state TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE,
    codex_thread TEXT,
    codex_turn TEXT,
    outcome TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX turns_open ON turns (chat, topic, id) WHERE state <> 'ended';

-- Everything that is sent, one row for each message, so that a restart goes on where it stopped.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    -- What it is, so that nothing is queued twice.
    key TEXT NOT NULL UNIQUE,
    payload TEXT NOT NULL,
    priority INTEGER NOT NULL,
    -- waiting, sending, sent, failed
    state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0,
    -- The newest message of the chat when sending began: what was sent since then is newer.
    after_id INTEGER,
    message_id INTEGER,
    error TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_open ON outbox (chat, priority, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_messages ON outbox (chat, message_id);

-- The newest message id known of each chat.
CREATE TABLE seen (
    chat INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL
) STRICT;

-- What the agent asks, under a name of our own.
CREATE TABLE requests (
    token TEXT PRIMARY KEY,
    request_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    codex_thread TEXT NOT NULL,
    codex_turn TEXT NOT NULL,
    request TEXT NOT NULL,
    -- Answers given so far, for questions.
    answers TEXT NOT NULL DEFAULT '{}',
    -- open, decided, expired, closed
    state TEXT NOT NULL DEFAULT 'open',
    decision TEXT,
    decided_by INTEGER,
    decided_name TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    is_reminded INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX requests_by_id ON requests (request_id, turn);
CREATE INDEX requests_open ON requests (expires_at) WHERE state = 'open';

-- Buttons to choose from; they work after a restart, too.
CREATE TABLE pickers (
    token TEXT PRIMARY KEY,
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    choices TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Who was let in by a code.
CREATE TABLE people (
    user_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE chats (
    chat INTEGER PRIMARY KEY,
    by_user INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE codes (
    hash BLOB PRIMARY KEY,
    role TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    chat INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
