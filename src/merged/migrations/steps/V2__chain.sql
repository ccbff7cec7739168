-- What each node sent is bound here: a run of entries for each batch, and a signed checkpoint behind it. A chain is that
-- of one node and one key. There are fewer runs than records, and whole runs go from the front, so they stand in one
-- table.
CREATE TABLE audit_chain (
    node    text COLLATE "C" NOT NULL,           -- whose records
    key     text COLLATE "C" NOT NULL,           -- who signs, in hex
    before  bigint      NOT NULL,                -- entries before it
    first   bigint      NOT NULL,                -- the place of its first record in the journal of the node
    last    bigint      NOT NULL,                -- and of its last
    received_from timestamptz NOT NULL,          -- when the earliest of their requests came in
    received_to   timestamptz NOT NULL,          -- and the latest
    records integer     NOT NULL,                -- how many were new here
    entries bytea       NOT NULL,                -- one after the other, each of one size
    let_go  json        NOT NULL DEFAULT '[]',   -- which of them were let go, each statement signed
    PRIMARY KEY (node, key, before),
    -- A record that stood here already was not bound by this run: then all of the batch is refused.
    CONSTRAINT audit_chain_whole CHECK (octet_length(entries) = 136 * records)
);
CREATE INDEX audit_chain_received ON audit_chain (received_from);
-- Hashes get no smaller.
ALTER TABLE audit_chain ALTER COLUMN entries SET STORAGE EXTERNAL;

CREATE TABLE audit_checkpoints (
    node      text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    count     bigint NOT NULL,                   -- entries before it
    seq       bigint NOT NULL,                   -- the place of the last of their records
    link      text   NOT NULL,                   -- over all of them, in hex
    at        text   NOT NULL,                   -- when it was signed
    signature text   NOT NULL,                   -- in hex
    PRIMARY KEY (node, key, count)
);

-- The run that a record is bound by: the entries before it. None for what was sent before there were runs.
ALTER TABLE audit_records ADD COLUMN run bigint;

-- Entries are of all organizations: only who acts for the platform sees them.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['audit_chain', 'audit_checkpoints'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY apart ON %I '
            'USING ((SELECT current_setting(''ringfall.org'', true)) = ''@platform'')', kept);
    END LOOP;
END
$$;
