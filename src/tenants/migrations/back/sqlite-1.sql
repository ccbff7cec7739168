-- Back from form 1 to nothing: all organizations are lost. Copy the file first, with nothing running.
DROP TABLE events;
DROP TABLE token_uses;
DROP TABLE rollout;
DROP TABLE tokens;
DROP TABLE rule_files;
DROP TABLE revisions;
DROP TABLE switches;
DROP TABLE domains;
DROP TABLE bindings;
DROP TABLE installations;
DROP TABLE profiles;
DROP TABLE organizations;
DELETE FROM ringfall_tenants_migrations WHERE version = 1;
