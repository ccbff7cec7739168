-- Back from form 3 to form 2: nothing is lost. Copy the database first, with nothing running.
ALTER TABLE reading ALTER COLUMN effect DROP DEFAULT;
DELETE FROM ringfall_outbox_migrations WHERE version = 3;
