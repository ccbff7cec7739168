-- Every record, in the order of this node. The body is the wire form, byte for byte as it was written.
CREATE TABLE records (
    seq   INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,         -- microseconds since 1970
    kind  TEXT    NOT NULL,
    org   TEXT    NOT NULL,
    call  TEXT    NOT NULL,
    step  TEXT    NOT NULL,
    shelf INTEGER NOT NULL,         -- the minute in which the call was first heard of; 0 for what belongs to no call
    body  TEXT    NOT NULL
) STRICT;

-- One record for one step of a call, and the records of a call at hand. Calls have random names: without the shelf
-- before them each record would touch a page of its own somewhere in the index, which doubles what is written.
CREATE UNIQUE INDEX records_step ON records (shelf, call, org, step);
CREATE INDEX records_security ON records (seq) WHERE kind = 'security';

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
    shelf       INTEGER NOT NULL,
    line        TEXT,
    caller      TEXT    NOT NULL,
    began       INTEGER NOT NULL,   -- microseconds since 1970, as all times here
    answered_by TEXT,
    answered_at INTEGER,
    waited      INTEGER,            -- seconds
    ended       TEXT,
    due         INTEGER NOT NULL,   -- when it is closed unless something happens
    closed_at   INTEGER,
    summary     TEXT    NOT NULL,
    UNIQUE (call, org)
) STRICT;
CREATE INDEX calls_began ON calls (org, began);
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
