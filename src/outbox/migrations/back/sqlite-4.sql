-- Back from form 4 to form 3: texts that were heeded and not answered yet are heeded again. Copy the file first, with
-- nothing running.
DROP TABLE heeded;
DELETE FROM refinery_schema_history WHERE version = 4;
