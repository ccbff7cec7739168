-- Back from form 1 to nothing: the merged trail is lost. What nodes still have in their journals is sent again when
-- `sinks/@database.cursor.json` is removed from their data folders.
DROP TABLE audit_records;
DROP FUNCTION audit_month(timestamptz);
DROP FUNCTION audit_wall(text);
DROP TABLE ringfall_audit_migrations;
