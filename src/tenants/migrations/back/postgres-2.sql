-- Back from form 2 to form 1: nothing is lost.
DROP INDEX bindings_selector;
DELETE FROM ringfall_tenants_migrations WHERE version = 2;
