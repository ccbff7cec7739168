-- A thing is a row of the table of its kind: `org` is a slug or `@platform`, `version` the place in the trail of its
-- last change, `claim` what no two of a kind may have, `body` the thing itself as JSON.
CREATE TABLE organizations (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE profiles (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

-- Nothing hangs on another organization's things: on its own or the platform's only.
CREATE TABLE installations (
    org        TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    claim      TEXT    UNIQUE,
    body       TEXT    NOT NULL,
    parent_org TEXT    NOT NULL CHECK (parent_org IN (org, '@platform')),
    parent     TEXT    NOT NULL,
    PRIMARY KEY (org, id),
    FOREIGN KEY (parent_org, parent) REFERENCES profiles (org, id)
) STRICT;
CREATE INDEX installations_parent ON installations (parent_org, parent);

CREATE TABLE bindings (
    org        TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    claim      TEXT    UNIQUE,
    body       TEXT    NOT NULL,
    parent_org TEXT    NOT NULL CHECK (parent_org IN (org, '@platform')),
    parent     TEXT    NOT NULL,
    PRIMARY KEY (org, id),
    FOREIGN KEY (parent_org, parent) REFERENCES installations (org, id)
) STRICT;
CREATE INDEX bindings_parent ON bindings (parent_org, parent);

CREATE TABLE domains (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE switches (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE revisions (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE rule_files (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE tokens (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE rollout (
    org     TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    claim   TEXT    UNIQUE,
    body    TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

CREATE TABLE token_uses (
    org TEXT    NOT NULL,
    id  TEXT    NOT NULL,
    at  INTEGER NOT NULL,           -- microseconds since 1970
    PRIMARY KEY (org, id)
) STRICT;

-- The trail of administration, and the feed of changes: a line for each change, never altered.
CREATE TABLE events (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    org    TEXT    NOT NULL,
    kind   TEXT,
    id     TEXT    NOT NULL,
    deed   TEXT    NOT NULL,
    detail TEXT    NOT NULL,
    actor  TEXT    NOT NULL,
    at     INTEGER NOT NULL         -- microseconds since 1970
) STRICT;
CREATE INDEX events_org ON events (org, seq);

CREATE TRIGGER events_are_not_altered BEFORE UPDATE ON events
BEGIN
    SELECT raise(ABORT, 'lines of the trail are never altered');
END;
CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
BEGIN
    SELECT raise(ABORT, 'lines of the trail are never removed');
END;
