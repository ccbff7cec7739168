-- Who else has this number? Asked whenever one is bound.
CREATE INDEX bindings_selector ON bindings (json_extract(body, '$.selector'));
