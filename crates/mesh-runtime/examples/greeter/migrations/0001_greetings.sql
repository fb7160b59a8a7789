CREATE TABLE greetings (
    greeting_id uuid        CONSTRAINT greetings_once PRIMARY KEY,
    text        text        NOT NULL CONSTRAINT greetings_text_length CHECK (char_length(text) BETWEEN 1 AND 200),
    stored_at   timestamptz NOT NULL
);

-- The newest first.
CREATE INDEX greetings_by_time ON greetings (stored_at, greeting_id);
