-- The form that both databases have: who has a text on its way, what the carrier said of it, and of texts not known yet.
ALTER TABLE texts ADD COLUMN node TEXT;
ALTER TABLE texts ADD COLUMN code INTEGER;
DROP INDEX texts_due;
CREATE INDEX texts_due ON texts (due, org) WHERE state IN ('waiting', 'unknown');
CREATE TABLE reports (
    sid    TEXT    NOT NULL PRIMARY KEY,
    status TEXT    NOT NULL,
    code   INTEGER,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the journal of a node has been read; of this one, whose name is empty.
CREATE TABLE reading (
    node   TEXT    NOT NULL PRIMARY KEY,
    record INTEGER NOT NULL,
    effect INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO reading (node, record, effect) SELECT '', record, effect FROM place;
DROP TABLE place;

-- The name of this file among those of nodes that share a database.
CREATE TABLE identity (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT    NOT NULL
) STRICT;
