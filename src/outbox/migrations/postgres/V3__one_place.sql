-- How far a journal has been read is one place in it.
ALTER TABLE reading DROP COLUMN effect;
