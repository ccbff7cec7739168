-- How far a journal has been read is one place in it. Nodes of the release before still name the other one.
ALTER TABLE reading ALTER COLUMN effect SET DEFAULT 0;
