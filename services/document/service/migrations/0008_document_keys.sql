-- Each document has a key of its own, under which its files and what was read on them are encrypted. It lies here
-- wrapped by a key of the keyring; without its row the document can't be read by anybody, ever.

CREATE TABLE document_keys (
    document_id uuid  NOT NULL,
    -- The key of the keyring that wraps it.
    key_id      text  NOT NULL,
    wrapped_key bytea NOT NULL,
    CONSTRAINT document_keys_pkey PRIMARY KEY (document_id),
    CONSTRAINT document_keys_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id) ON DELETE CASCADE
);

ALTER TABLE documents ADD COLUMN erased_at timestamptz;

-- What was read on a document with a key lies in `sealed_reading`, on one without in `reading`.
ALTER TABLE page_readings
    ALTER COLUMN reading DROP NOT NULL,
    ADD COLUMN sealed_reading bytea,
    ADD CONSTRAINT page_readings_one_form CHECK (num_nonnulls(reading, sealed_reading) = 1);
