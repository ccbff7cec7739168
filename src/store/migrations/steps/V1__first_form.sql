-- Every record, in the order of this node. A commit only adds at the end: no index is kept here, so that a record
-- dirties a fraction of a page. Which records a call has stands in the table of calls, a moment later.
CREATE TABLE records (
    seq     INTEGER PRIMARY KEY,
    written INTEGER NOT NULL,       -- microseconds since 1970; never before that of an earlier record
    kind    TEXT    NOT NULL,
    org     TEXT    NOT NULL,
    call    TEXT    NOT NULL,
    step    TEXT    NOT NULL,
    body    BLOB    NOT NULL        -- the whole record as MessagePack
) STRICT;

-- The steps of what belongs to no call, such as texts: each has one record.
CREATE TABLE loose_steps (
    org    TEXT    NOT NULL,
    step   TEXT    NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (org, step)
) STRICT, WITHOUT ROWID;

-- What is to be sent, each effect once for a call; written together with the record that asks for it.
CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY,
    record   INTEGER NOT NULL REFERENCES records (seq),
    org      TEXT    NOT NULL,
    call     TEXT    NOT NULL,
    effect   TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    step     TEXT,
    target   TEXT,
    state    TEXT    NOT NULL DEFAULT 'waiting',
    due      INTEGER NOT NULL,      -- microseconds since 1970
    attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (call, org, effect)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';

-- Calls as a whole, folded from the records up to the cursor `calls`.
CREATE TABLE calls (
    id          INTEGER PRIMARY KEY,
    org         TEXT    NOT NULL,
    call        TEXT    NOT NULL,
    line        TEXT,
    caller      TEXT    NOT NULL,
    began       INTEGER NOT NULL,   -- microseconds since 1970, as all times here
    answered_by TEXT,
    answered_at INTEGER,
    waited      INTEGER,            -- seconds
    ended       TEXT,
    due         INTEGER NOT NULL,   -- when it is closed unless something happens
    closed_at   INTEGER,
    records     BLOB    NOT NULL,   -- places of its records in order, eight bytes each, lowest byte first
    summary     BLOB    NOT NULL,   -- the whole as MessagePack
    UNIQUE (call, org)
) STRICT;
CREATE INDEX calls_began ON calls (began);
CREATE INDEX calls_due ON calls (due) WHERE closed_at IS NULL;

-- What callees answered when asked for a key.
CREATE TABLE keys (
    call     TEXT    NOT NULL,
    org      TEXT    NOT NULL,
    leg      TEXT    NOT NULL,
    contact  TEXT,
    accepted INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (call, org, leg)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_at ON keys (at);

-- Rule files by digest, with all that they include.
CREATE TABLE rule_texts (
    org    TEXT    NOT NULL,
    digest TEXT    NOT NULL,
    kept   INTEGER NOT NULL,
    files  TEXT    NOT NULL,
    PRIMARY KEY (org, digest)
) STRICT, WITHOUT ROWID;

-- How far each reader of the records has come.
CREATE TABLE cursors (
    name TEXT    PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
