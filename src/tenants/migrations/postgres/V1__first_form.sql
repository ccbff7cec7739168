-- A thing is a row of the table of its kind: `org` is a slug or `@platform`, `version` the place in the trail of its
-- last change, `claim` what no two of a kind may have, `body` the thing itself as JSON.
CREATE TABLE organizations (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

CREATE TABLE profiles (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

-- Nothing hangs on another organization's things: on its own or the platform's only.
CREATE TABLE installations (
    org        text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    claim      text    UNIQUE,
    body       jsonb   NOT NULL,
    parent_org text COLLATE "C" NOT NULL CHECK (parent_org IN (org, '@platform')),
    parent     text COLLATE "C" NOT NULL,
    PRIMARY KEY (org, id),
    FOREIGN KEY (parent_org, parent) REFERENCES profiles (org, id)
);
CREATE INDEX installations_parent ON installations (parent_org, parent);

CREATE TABLE bindings (
    org        text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    claim      text    UNIQUE,
    body       jsonb   NOT NULL,
    parent_org text COLLATE "C" NOT NULL CHECK (parent_org IN (org, '@platform')),
    parent     text COLLATE "C" NOT NULL,
    PRIMARY KEY (org, id),
    FOREIGN KEY (parent_org, parent) REFERENCES installations (org, id)
);
CREATE INDEX bindings_parent ON bindings (parent_org, parent);

CREATE TABLE domains (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

CREATE TABLE switches (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

CREATE TABLE revisions (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

CREATE TABLE rule_files (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

CREATE TABLE tokens (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

CREATE TABLE rollout (
    org     text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    claim   text    UNIQUE,
    body    jsonb   NOT NULL,
    PRIMARY KEY (org, id)
);

CREATE TABLE token_uses (
    org text COLLATE "C" NOT NULL,
    id  text COLLATE "C" NOT NULL,
    at  bigint NOT NULL,           -- microseconds since 1970
    PRIMARY KEY (org, id)
);

-- The trail of administration, and the feed of changes: a line for each change, never altered.
CREATE TABLE events (
    seq    bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org    text COLLATE "C" NOT NULL,
    kind   text,
    id     text COLLATE "C" NOT NULL,
    deed   text    NOT NULL,
    detail text    NOT NULL,
    actor  text    NOT NULL,
    at     bigint  NOT NULL         -- microseconds since 1970
);
CREATE INDEX events_org ON events (org, seq);

CREATE FUNCTION events_are_not_altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'lines of the trail are never altered or removed';
END
$$;
CREATE TRIGGER events_are_not_altered BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_are_not_altered();

-- The second wall: every transaction says for whom it is (`SET LOCAL ringfall.org`), and sees and writes nothing
-- else, whatever its statements say. Who says nothing, sees nothing. The owner of the tables is held by it too;
-- only superusers and roles with BYPASSRLS are not, and the service warns when it runs as one.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['organizations', 'profiles', 'installations', 'bindings', 'domains', 'switches',
        'revisions', 'rule_files', 'tokens', 'rollout', 'token_uses', 'events']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY apart ON %I USING (org = (SELECT current_setting(''ringfall.org'', true)) '
            'OR (SELECT current_setting(''ringfall.org'', true)) = ''@platform'')', kept);
    END LOOP;
END
$$;
