-- Back from form 3 to form 2: what people were not told of yet, they are never told of. Copy the folder first, with
-- nothing running, and take the steps of outbox.db back as well.
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
    due      INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (call, org, effect)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';
CREATE INDEX records_told ON records (seq) WHERE kind IN ('message', 'transcription');
DELETE FROM refinery_schema_history WHERE version = 3;
