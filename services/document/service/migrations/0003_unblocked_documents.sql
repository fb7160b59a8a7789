-- What was on the blocklist: a row of it moves here when the document is unblocked, so that who blocked and who unblocked it stays.
-- In a table of its own, because an older version takes every row of `blocked_documents` for a block. The columns that both have
-- mean the same.

CREATE TABLE unblocked_documents (
    identity_hash bytea       NOT NULL,
    block_id      uuid        NOT NULL,
    key_id        text        NOT NULL,
    is_weak       boolean     NOT NULL,
    reason_code   text        NOT NULL,
    blocked_at    timestamptz NOT NULL,
    -- None of what was blocked before it was recorded.
    blocked_by    text,
    unblocked_at  timestamptz NOT NULL,
    unblocked_by  text        NOT NULL,
    CONSTRAINT unblocked_documents_pkey PRIMARY KEY (identity_hash, block_id, unblocked_at),
    CONSTRAINT unblocked_documents_hash_length CHECK (octet_length(identity_hash) = 32)
);
