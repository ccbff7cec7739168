-- Texts that turned a switch, or asked for it in vain, each with its answer: heeded once, whatever stops in between.
CREATE TABLE heeded (
    org     TEXT    NOT NULL,
    message TEXT    NOT NULL,
    answer  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (org, message)
) STRICT, WITHOUT ROWID;
