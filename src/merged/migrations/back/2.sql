-- Back from form 2 to form 1: the proof of the merged trail is lost; the records stay.
DROP TABLE audit_chain;
DROP TABLE audit_checkpoints;
ALTER TABLE audit_records DROP COLUMN run;
DELETE FROM ringfall_audit_migrations WHERE version = 2;
