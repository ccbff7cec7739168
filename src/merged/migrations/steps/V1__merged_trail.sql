-- The records of all nodes: what is asked for by stands in columns, and the record itself, as it is published, in one.
-- The same record has the same name and time from whoever sends it, so it stands here once. A month is a partition.
CREATE TABLE audit_records (
    received timestamptz NOT NULL,               -- when its request came in
    id       uuid        NOT NULL,
    org      text COLLATE "C" NOT NULL,          -- empty while nothing verified said which
    call     text COLLATE "C" NOT NULL,          -- empty when it is about no call
    kind     text COLLATE "C" NOT NULL,
    node     text COLLATE "C" NOT NULL,
    seq      bigint      NOT NULL,               -- its place in the journal of the node
    record   json        NOT NULL,
    PRIMARY KEY (received, id)
) PARTITION BY RANGE (received);
CREATE INDEX audit_records_call ON audit_records (call, org) INCLUDE (kind, node);
CREATE INDEX audit_records_org ON audit_records (org, received);
CREATE INDEX audit_records_place ON audit_records (node, seq);
CREATE INDEX audit_records_closed ON audit_records (received) WHERE kind = 'closed';

-- The quicker way to keep long texts small, where this server has it.
DO $$
BEGIN
    ALTER TABLE audit_records ALTER COLUMN record SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;

-- The second wall: who does not say for whom he is, sees nothing. A partition has a wall of its own, because whoever
-- names it passes by that of the whole.
CREATE FUNCTION audit_wall(kept text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', kept);
    EXECUTE format('CREATE POLICY apart ON %I USING (org = (SELECT current_setting(''ringfall.org'', true)) '
        'OR (SELECT current_setting(''ringfall.org'', true)) = ''@platform'')', kept);
END
$$;
SELECT audit_wall('audit_records');

-- Makes the partition of the month in which that moment lies, unless it is there. It is made beside the whole and then
-- attached, which keeps nobody from reading and writing.
CREATE FUNCTION audit_month(moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
    part  text := 'audit_records_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7310024);
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE audit_records INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES '
        'INCLUDING STORAGE INCLUDING COMPRESSION)', part);
    PERFORM audit_wall(part);
    EXECUTE format('ALTER TABLE audit_records ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part,
        first AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
END
$$;
