-- The few records that people are told of for what they say: looked for many times a second among all the others.
CREATE INDEX records_told ON records (seq) WHERE kind IN ('message', 'transcription');
