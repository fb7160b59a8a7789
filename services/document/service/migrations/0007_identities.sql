-- Which member was accepted with which document of the world, and which documents nobody may be accepted with. Neither
-- issuer nor number stands here, only their hash (HMAC-SHA-256) under a key of the keyring.

CREATE TABLE document_identities (
    identity_hash   bytea       NOT NULL,
    -- The key of the hash.
    key_id          text        NOT NULL,
    member_id       bigint      NOT NULL,
    -- The document and the verification that it was accepted in first.
    document_id     uuid        NOT NULL,
    verification_id uuid        NOT NULL,
    claimed_at      timestamptz NOT NULL,
    CONSTRAINT document_identities_pkey PRIMARY KEY (identity_hash),
    CONSTRAINT document_identities_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT document_identities_hash_length CHECK (octet_length(identity_hash) = 32)
);

CREATE TABLE blocked_documents (
    identity_hash bytea       NOT NULL,
    -- The key of the hash.
    key_id        text        NOT NULL,
    reason_code   text        NOT NULL,
    request_id    uuid        NOT NULL,
    blocked_at    timestamptz NOT NULL,
    CONSTRAINT blocked_documents_pkey PRIMARY KEY (identity_hash),
    CONSTRAINT blocked_documents_hash_length CHECK (octet_length(identity_hash) = 32)
);
