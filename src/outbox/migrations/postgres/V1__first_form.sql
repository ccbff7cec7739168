-- Texts, each once for its key; times are seconds since 1970, yes and no are 1 and 0.
CREATE TABLE texts (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org      text   NOT NULL,
    call     text   NOT NULL,      -- the call, or the text that this one answers
    key      text   NOT NULL,      -- the effect, its step and the receiver
    kind     text   NOT NULL,
    sender   text   NOT NULL,
    receiver text   NOT NULL,
    body     text   NOT NULL,
    state    text   NOT NULL,      -- waiting, sending, unknown, sent, skipped, dead
    due      bigint NOT NULL,
    expires  bigint NOT NULL,
    unless_taken bigint NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    looks    bigint NOT NULL DEFAULT 0,
    tried    bigint,               -- when it was handed over, while its outcome is not known
    node     text,                 -- which node has it on its way, or had it last
    sid      text UNIQUE,
    status   text,                 -- the carrier's last word
    code     bigint,               -- the carrier's code, when it could not be delivered
    reason   text,
    made     bigint NOT NULL,
    changed  bigint NOT NULL,
    UNIQUE (org, call, key)
);
CREATE INDEX texts_due ON texts (due, org) WHERE state IN ('waiting', 'unknown');
CREATE INDEX texts_going ON texts (id) WHERE state = 'sending';
CREATE INDEX texts_receiver ON texts (org, receiver, changed);
CREATE INDEX texts_sent ON texts (org, changed) WHERE state IN ('sent', 'sending');
CREATE INDEX texts_dead ON texts (changed) WHERE state = 'dead';

-- Calls of which people are told.
CREATE TABLE cases (
    org      text   NOT NULL,
    call     text   NOT NULL,
    caller   text   NOT NULL,
    called   text   NOT NULL,
    at       bigint NOT NULL,
    taken_by text,
    taken_at bigint,
    PRIMARY KEY (org, call)
);

-- Numbers to which nothing goes.
CREATE TABLE refused (
    org    text NOT NULL,
    number text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (org, number)
);

-- What the carrier said of texts that are not known by that name, or not yet.
CREATE TABLE reports (
    sid    text   NOT NULL PRIMARY KEY,
    status text   NOT NULL,
    code   bigint,
    at     bigint NOT NULL
);

-- How far the journal of each node has been read, and when each was heard of last.
CREATE TABLE reading (
    node   text   NOT NULL PRIMARY KEY,
    record bigint NOT NULL,
    effect bigint NOT NULL
);
CREATE TABLE nodes (
    node text        NOT NULL PRIMARY KEY,
    seen timestamptz NOT NULL
);
