-- What is to be sent stands in the record that asks for it, and nowhere else; whoever tells people of it remembers
-- which records those are.
DROP TABLE outbox;
DROP INDEX records_told;
