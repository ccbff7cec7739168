-- What texts cost, in millionths of the currency of the settings, and what each organization has spent in a day.
ALTER TABLE texts ADD COLUMN segments bigint;
ALTER TABLE texts ADD COLUMN cost bigint;          -- an estimate, until the carrier tells
ALTER TABLE texts ADD COLUMN booked bigint;        -- the day since 1970, in UTC, to which it is booked
DROP INDEX texts_sent;
CREATE TABLE spending (
    org   text   NOT NULL,
    day   bigint NOT NULL,
    spent bigint NOT NULL,
    held  bigint NOT NULL,         -- texts that were held up because it was too much
    PRIMARY KEY (org, day)
);

-- What is told of an organization's texts is that organization's.
ALTER TABLE reports ADD COLUMN org text NOT NULL DEFAULT '';
ALTER TABLE reports DROP CONSTRAINT reports_pkey;
ALTER TABLE reports ADD PRIMARY KEY (org, sid);
ALTER TABLE reports ALTER COLUMN org DROP DEFAULT;

-- The second wall: every transaction says for whom it is (`ringfall.org`), and sees and writes nothing else, whatever
-- its statements say. Who says nothing, sees nothing; `@platform` is said by those who send for all.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['texts', 'cases', 'refused', 'reports', 'spending']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY apart ON %I USING (org = (SELECT current_setting(''ringfall.org'', true)) '
            'OR (SELECT current_setting(''ringfall.org'', true)) = ''@platform'')', kept);
    END LOOP;
END
$$;
