-- What texts cost, in millionths of the currency of the settings, and what each organization has spent in a day.
ALTER TABLE texts ADD COLUMN segments INTEGER;
ALTER TABLE texts ADD COLUMN cost INTEGER;       -- an estimate, until the carrier tells
ALTER TABLE texts ADD COLUMN booked INTEGER;     -- the day since 1970, in UTC, to which it is booked
DROP INDEX texts_sent;
CREATE TABLE spending (
    org   TEXT    NOT NULL,
    day   INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    held  INTEGER NOT NULL,         -- texts that were held up because it was too much
    PRIMARY KEY (org, day)
) STRICT, WITHOUT ROWID;

-- What is told of an organization's texts is that organization's.
CREATE TABLE reports_apart (
    org    TEXT    NOT NULL,
    sid    TEXT    NOT NULL,
    status TEXT    NOT NULL,
    code   INTEGER,
    at     INTEGER NOT NULL,
    PRIMARY KEY (org, sid)
) STRICT, WITHOUT ROWID;
INSERT INTO reports_apart (org, sid, status, code, at) SELECT '', sid, status, code, at FROM reports;
DROP TABLE reports;
ALTER TABLE reports_apart RENAME TO reports;
