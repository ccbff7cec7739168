-- Texts, each once for its key; times are seconds since 1970.
CREATE TABLE texts (
    id       INTEGER PRIMARY KEY,
    org      TEXT    NOT NULL,
    call     TEXT    NOT NULL,      -- the call, or the text that this one answers
    key      TEXT    NOT NULL,      -- the effect, its step and the receiver
    kind     TEXT    NOT NULL,
    sender   TEXT    NOT NULL,
    receiver TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    state    TEXT    NOT NULL,      -- waiting, sending, unknown, sent, skipped, dead
    due      INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    unless_taken INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    looks    INTEGER NOT NULL DEFAULT 0,
    tried    INTEGER,               -- when it was handed over, while its outcome is not known
    sid      TEXT UNIQUE,
    status   TEXT,                  -- the carrier's last word
    reason   TEXT,
    made     INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    UNIQUE (org, call, key)
) STRICT;
CREATE INDEX texts_due ON texts (due) WHERE state IN ('waiting', 'unknown');
CREATE INDEX texts_going ON texts (id) WHERE state = 'sending';
CREATE INDEX texts_receiver ON texts (org, receiver, changed);
CREATE INDEX texts_sent ON texts (org, changed) WHERE state = 'sent';
CREATE INDEX texts_dead ON texts (changed) WHERE state = 'dead';

-- Calls of which people are told.
CREATE TABLE cases (
    org      TEXT    NOT NULL,
    call     TEXT    NOT NULL,
    caller   TEXT    NOT NULL,
    called   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    taken_by TEXT,
    taken_at INTEGER,
    PRIMARY KEY (org, call)
) STRICT, WITHOUT ROWID;

-- Numbers to which nothing goes.
CREATE TABLE refused (
    org    TEXT NOT NULL,
    number TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (org, number)
) STRICT, WITHOUT ROWID;

-- Switches as they stand, and every turn.
CREATE TABLE switches (
    org    TEXT NOT NULL,
    switch TEXT NOT NULL,
    state  TEXT NOT NULL,
    PRIMARY KEY (org, switch)
) STRICT, WITHOUT ROWID;
CREATE TABLE turns (
    id     INTEGER PRIMARY KEY,
    org    TEXT    NOT NULL,
    switch TEXT    NOT NULL,
    by     TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    state  INTEGER,                 -- on, off, or back at the default
    until  INTEGER,
    undone INTEGER NOT NULL         -- whether this line takes a turn back
) STRICT;

-- How far the journal has been read.
CREATE TABLE place (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    record INTEGER NOT NULL,
    effect INTEGER NOT NULL
) STRICT;
