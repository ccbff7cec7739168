-- Back from form 5 to form 4: nothing is lost. Copy the file first, with nothing running.
ALTER TABLE reading ADD COLUMN effect INTEGER NOT NULL DEFAULT 0;
DELETE FROM refinery_schema_history WHERE version = 5;
