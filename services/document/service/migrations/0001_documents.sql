-- Documents, what was read on them, and what was ruled. Pictures lie in the object store, never here.

CREATE TABLE documents (
    document_id     uuid        NOT NULL,
    request_id      uuid        NOT NULL,
    member_id       bigint      NOT NULL,
    kind            text        NOT NULL,
    page_count      integer     NOT NULL,
    size_bytes      bigint      NOT NULL,
    -- Over the bytes of all pages in their order.
    sha256          bytea       NOT NULL,
    uploaded_at     timestamptz NOT NULL,
    -- The verification that the document was last used in.
    verification_id uuid,
    CONSTRAINT documents_pkey PRIMARY KEY (document_id),
    CONSTRAINT documents_request_once UNIQUE (request_id),
    CONSTRAINT documents_member_positive CHECK (member_id > 0),
    CONSTRAINT documents_page_count_range CHECK (page_count BETWEEN 1 AND 50),
    CONSTRAINT documents_size_range CHECK (size_bytes BETWEEN 1 AND 20971520),
    CONSTRAINT documents_sha256_length CHECK (octet_length(sha256) = 32)
);

CREATE INDEX documents_by_member ON documents (member_id, uploaded_at);

CREATE TABLE document_pages (
    document_id uuid    NOT NULL,
    -- From 1.
    page_number integer NOT NULL,
    media_type  text    NOT NULL,
    size_bytes  bigint  NOT NULL,
    sha256      bytea   NOT NULL,
    -- How often a reading of the page was begun; more than once only after a crash or a failure of the engine.
    attempts    integer NOT NULL DEFAULT 0,
    CONSTRAINT document_pages_pkey PRIMARY KEY (document_id, page_number),
    CONSTRAINT document_pages_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id) ON DELETE CASCADE,
    CONSTRAINT document_pages_number_range CHECK (page_number BETWEEN 1 AND 50),
    CONSTRAINT document_pages_sha256_length CHECK (octet_length(sha256) = 32)
);

-- What was read: personal data, which lives here and nowhere else.
CREATE TABLE page_readings (
    document_id uuid        NOT NULL,
    page_number integer     NOT NULL,
    reading     jsonb       NOT NULL,
    read_at     timestamptz NOT NULL,
    CONSTRAINT page_readings_pkey PRIMARY KEY (document_id, page_number),
    CONSTRAINT page_readings_of_page FOREIGN KEY (document_id, page_number)
        REFERENCES document_pages (document_id, page_number) ON DELETE CASCADE
);

CREATE TABLE document_checks (
    verification_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    checks          jsonb       NOT NULL,
    checked_at      timestamptz NOT NULL,
    CONSTRAINT document_checks_pkey PRIMARY KEY (verification_id, document_id),
    CONSTRAINT document_checks_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id) ON DELETE CASCADE
);

CREATE TABLE rulings (
    verification_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    decision        text        NOT NULL,
    internal_reason text        NOT NULL,
    member_reason   text        NOT NULL,
    decided_at      timestamptz NOT NULL,
    CONSTRAINT rulings_pkey PRIMARY KEY (verification_id, document_id),
    CONSTRAINT rulings_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT rulings_decision_known CHECK (decision IN ('accepted', 'rejected', 'resubmit'))
);

CREATE TABLE evidence (
    evidence_id     uuid        NOT NULL,
    verification_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    kind            text        NOT NULL,
    -- Of the document, so that the evidence stays provable when the picture is gone.
    document_sha256 bytea       NOT NULL,
    retention_class text        NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT evidence_pkey PRIMARY KEY (evidence_id),
    CONSTRAINT evidence_once UNIQUE (verification_id, document_id, kind),
    CONSTRAINT evidence_of_ruling FOREIGN KEY (verification_id, document_id)
        REFERENCES rulings (verification_id, document_id),
    CONSTRAINT evidence_sha256_length CHECK (octet_length(document_sha256) = 32)
);
