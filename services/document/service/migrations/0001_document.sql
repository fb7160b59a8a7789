-- Documents, what was read on them, and what was decided. Pictures lie in the object store, never here.

CREATE TABLE documents (
    document_id     uuid        NOT NULL,
    member_id       bigint      NOT NULL,
    kind            text        NOT NULL,
    page_count      integer     NOT NULL,
    size_bytes      bigint      NOT NULL,
    -- Over the bytes of all files in their order.
    sha256          bytea       NOT NULL,
    uploaded_at     timestamptz NOT NULL,
    -- The verification that the document was last used in.
    verification_id uuid,
    erased_at       timestamptz,
    CONSTRAINT documents_pkey PRIMARY KEY (document_id),
    CONSTRAINT documents_member_positive CHECK (member_id > 0),
    CONSTRAINT documents_page_count_range CHECK (page_count BETWEEN 1 AND 50),
    CONSTRAINT documents_size_range CHECK (size_bytes BETWEEN 1 AND 20971520),
    CONSTRAINT documents_sha256_length CHECK (octet_length(sha256) = 32)
);

CREATE INDEX documents_by_member ON documents (member_id, uploaded_at);

-- Each document has a key of its own, under which its files and what was read on them are encrypted. It lies here wrapped by
-- a key of the keyring. Only an erased document has no row: without it nobody can ever read the document.
CREATE TABLE document_keys (
    document_id uuid  NOT NULL,
    -- The key of the keyring that wraps it.
    key_id      text  NOT NULL,
    wrapped_key bytea NOT NULL,
    CONSTRAINT document_keys_pkey PRIMARY KEY (document_id),
    CONSTRAINT document_keys_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id) ON DELETE CASCADE
);

CREATE INDEX document_keys_by_key ON document_keys (key_id);

-- A page belongs to a file of its document: a PDF or TIFF of many pages is one object. `sha256`, `media_type` and
-- `size_bytes` are those of the file.
CREATE TABLE document_pages (
    document_id   uuid    NOT NULL,
    -- From 1.
    page_number   integer NOT NULL,
    -- From 1, in the order of the upload; the key of the object ends with it.
    file_number   integer NOT NULL,
    -- From 1.
    page_in_file  integer NOT NULL,
    media_type    text    NOT NULL,
    size_bytes    bigint  NOT NULL,
    sha256        bytea   NOT NULL,
    -- How often a reading of the page was begun; more than once only after a crash or a failure of the engine.
    attempts      integer NOT NULL DEFAULT 0,
    -- Readings that never ended, because their process died in the middle: three are the picture's fault. The process that
    -- reads it now, or did when it died.
    unended       integer NOT NULL DEFAULT 0,
    reading_by    uuid,
    -- How often the OCR engine ran into its limits on the page: twice is the picture's fault.
    engine_limits integer NOT NULL DEFAULT 0,
    CONSTRAINT document_pages_pkey PRIMARY KEY (document_id, page_number),
    CONSTRAINT document_pages_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id) ON DELETE CASCADE,
    CONSTRAINT document_pages_number_range CHECK (page_number BETWEEN 1 AND 50),
    CONSTRAINT document_pages_file_range CHECK (file_number BETWEEN 1 AND 50 AND page_in_file BETWEEN 1 AND 50),
    CONSTRAINT document_pages_once_in_file UNIQUE (document_id, file_number, page_in_file),
    CONSTRAINT document_pages_sha256_length CHECK (octet_length(sha256) = 32)
);

-- What was read: personal data, which lives here and nowhere else, sealed under the document's key.
CREATE TABLE page_readings (
    document_id    uuid        NOT NULL,
    page_number    integer     NOT NULL,
    sealed_reading bytea       NOT NULL,
    read_at        timestamptz NOT NULL,
    CONSTRAINT page_readings_pkey PRIMARY KEY (document_id, page_number),
    CONSTRAINT page_readings_of_page FOREIGN KEY (document_id, page_number)
        REFERENCES document_pages (document_id, page_number) ON DELETE CASCADE
);

-- Objects that no document names: of an upload until it is recorded, of an erased document until they are deleted. A row
-- that stays is of a client or process that went away in between.
CREATE TABLE orphaned_objects (
    document_id uuid        NOT NULL,
    member_id   bigint      NOT NULL,
    file_count  integer     NOT NULL,
    since       timestamptz NOT NULL,
    -- Somebody deletes the objects, and until then nobody else does. No upload can name them any more.
    leased_until timestamptz,
    CONSTRAINT orphaned_objects_pkey PRIMARY KEY (document_id)
);

CREATE INDEX orphaned_objects_by_age ON orphaned_objects (since);

-- Which document was submitted to which verification, and which workflow reads it.
CREATE TABLE submissions (
    verification_id uuid        NOT NULL,
    -- From 1.
    submission      integer     NOT NULL,
    document_id     uuid        NOT NULL,
    workflow_id     text        NOT NULL,
    run_id          text        NOT NULL,
    submitted_at    timestamptz NOT NULL,
    CONSTRAINT submissions_pkey PRIMARY KEY (verification_id, submission),
    CONSTRAINT submissions_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT submissions_from_one CHECK (submission >= 1)
);

CREATE INDEX submissions_by_document ON submissions (document_id, verification_id);

CREATE TABLE document_checks (
    verification_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    -- What the member said that the document is when it was checked; the upload may have said something else. Together with
    -- issuer and number it is what a member claims with an acceptance, so check and claim must mean the same.
    document_kind   text        NOT NULL,
    checks          jsonb       NOT NULL,
    -- Of the profile that it was compared with.
    profile_version bigint      NOT NULL,
    -- Of the rules that decided on the checks.
    rule_version    smallint    NOT NULL,
    checked_at      timestamptz NOT NULL,
    CONSTRAINT document_checks_pkey PRIMARY KEY (verification_id, document_id),
    CONSTRAINT document_checks_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id) ON DELETE CASCADE
);

CREATE TABLE document_decisions (
    verification_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    decision        text        NOT NULL,
    internal_reason text        NOT NULL,
    member_reason   text        NOT NULL,
    -- Of the profile that the document had been compared with when this was decided; none if it had not been. The checks may
    -- be made anew.
    profile_version bigint,
    decided_at      timestamptz NOT NULL,
    CONSTRAINT document_decisions_pkey PRIMARY KEY (verification_id, document_id),
    CONSTRAINT document_decisions_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT document_decisions_decision_known CHECK (decision IN ('accepted', 'rejected', 'resubmit', 'needs_review'))
);

-- What an erasure takes away.
CREATE INDEX document_decisions_accepted ON document_decisions (document_id) WHERE decision = 'accepted';

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
    CONSTRAINT evidence_of_decision FOREIGN KEY (verification_id, document_id)
        REFERENCES document_decisions (verification_id, document_id),
    CONSTRAINT evidence_sha256_length CHECK (octet_length(document_sha256) = 32)
);

-- The newest version of a member's profile that the orchestrator told of; none until it was changed. What was compared with an
-- earlier one is accepted no more.
CREATE TABLE changed_profiles (
    member_id       bigint      NOT NULL,
    profile_version bigint      NOT NULL,
    changed_at      timestamptz NOT NULL,
    CONSTRAINT changed_profiles_pkey PRIMARY KEY (member_id)
);

-- Documents that a person has to look at.
CREATE TABLE reviews (
    review_id       uuid        NOT NULL,
    verification_id uuid        NOT NULL,
    document_id     uuid        NOT NULL,
    -- Why a person has to look.
    internal_reason text        NOT NULL,
    requested_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    status          text        NOT NULL DEFAULT 'waiting',
    -- When it was decided, expired or withdrawn.
    ended_at        timestamptz,
    -- The activity that waits for the decision.
    workflow_id     text        NOT NULL,
    run_id          text        NOT NULL,
    activity_id     text        NOT NULL,
    claimed_by      bigint,
    claimed_until   timestamptz,
    decision        text,
    reason_code     text,
    -- For the member.
    member_text     text,
    -- For other reviewers.
    internal_note   text,
    decided_by      bigint,
    -- The work of the request that decided it, by which a repeat finds its own decision. It stays when the review is asked for
    -- anew, so that no late repeat decides that.
    decision_id     uuid,
    -- Whoever accepted it made sure that it is the member's own, though its kind and number are known of another one.
    is_members_own  boolean     NOT NULL DEFAULT false,
    CONSTRAINT reviews_pkey PRIMARY KEY (review_id),
    CONSTRAINT reviews_once UNIQUE (verification_id, document_id),
    CONSTRAINT reviews_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT reviews_status_known CHECK (status IN ('waiting', 'decided', 'expired', 'withdrawn')),
    CONSTRAINT reviews_end_known CHECK ((status = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT reviews_claim_whole CHECK ((claimed_by IS NULL) = (claimed_until IS NULL)),
    CONSTRAINT reviews_decision_known CHECK (decision IN ('accepted', 'rejected', 'resubmit')),
    CONSTRAINT reviews_decision_whole
        CHECK ((status = 'decided') = (num_nonnulls(decision, reason_code, member_text, decided_by, decision_id) = 5))
);

-- What people wrote goes a year after the review ended.
CREATE INDEX reviews_with_words ON reviews (ended_at) WHERE internal_note IS NOT NULL OR member_text <> '';
CREATE INDEX reviews_by_document ON reviews (document_id);
CREATE INDEX reviews_waiting ON reviews (requested_at, review_id) WHERE status = 'waiting';

-- Which physical document a reviewer accepted, by the hashes that the acceptance claims. What the reviewer typed of it stands
-- nowhere else.
CREATE TABLE review_identities (
    review_id     uuid    NOT NULL,
    identity_hash bytea   NOT NULL,
    key_id        text    NOT NULL,
    is_weak       boolean NOT NULL,
    CONSTRAINT review_identities_pkey PRIMARY KEY (review_id, identity_hash),
    CONSTRAINT review_identities_of_review FOREIGN KEY (review_id) REFERENCES reviews (review_id) ON DELETE CASCADE,
    CONSTRAINT review_identities_hash_length CHECK (octet_length(identity_hash) = 32)
);

-- With which physical documents members were accepted, and so which nobody else may be accepted with: rows for each
-- acceptance. Neither issuer nor number stands here, only hashes (HMAC-SHA-256) under a key of the keyring.
CREATE TABLE document_identities (
    identity_hash   bytea       NOT NULL,
    verification_id uuid        NOT NULL,
    -- The key of the hash.
    key_id          text        NOT NULL,
    -- Of kind and number alone, which documents of two issuers may share; else of the issuer too.
    is_weak         boolean     NOT NULL,
    member_id       bigint      NOT NULL,
    document_id     uuid        NOT NULL,
    claimed_at      timestamptz NOT NULL,
    -- The member holds it no more. The row stays, so that a person looks when the member comes with it again.
    released_at     timestamptz,
    release_reason  text,
    CONSTRAINT document_identities_pkey PRIMARY KEY (identity_hash, verification_id),
    CONSTRAINT document_identities_release_whole CHECK ((released_at IS NULL) = (release_reason IS NULL)),
    CONSTRAINT document_identities_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT document_identities_hash_length CHECK (octet_length(identity_hash) = 32)
);

CREATE INDEX document_identities_by_document ON document_identities (document_id);
CREATE INDEX document_identities_by_verification ON document_identities (verification_id);
CREATE INDEX document_identities_by_key ON document_identities (key_id);

-- Documents that nobody may be accepted with, by the same hashes.
CREATE TABLE blocked_documents (
    identity_hash bytea       NOT NULL,
    -- The same for the hashes of one document under different keys, so that whoever has one of them finds all. Two documents
    -- may share a weak hash.
    block_id      uuid        NOT NULL,
    -- The key of the hash.
    key_id        text        NOT NULL,
    is_weak       boolean     NOT NULL,
    reason_code   text        NOT NULL,
    blocked_at    timestamptz NOT NULL,
    CONSTRAINT blocked_documents_pkey PRIMARY KEY (identity_hash, block_id),
    CONSTRAINT blocked_documents_hash_length CHECK (octet_length(identity_hash) = 32)
);

CREATE INDEX blocked_documents_by_block ON blocked_documents (block_id);
CREATE INDEX blocked_documents_by_key ON blocked_documents (key_id);

-- What was taken away from verifications, for the orchestrator to follow: at most one row for each verification and reason.
CREATE TABLE revocations (
    -- Its order is the one in which rows are committed: whoever inserts has locked the table to the end of the transaction.
    place           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    revocation_id   uuid        NOT NULL,
    verification_id uuid        NOT NULL,
    reason          text        NOT NULL,
    revoked_at      timestamptz NOT NULL,
    CONSTRAINT revocations_pkey PRIMARY KEY (place),
    CONSTRAINT revocations_by_id UNIQUE (revocation_id),
    CONSTRAINT revocations_once UNIQUE (verification_id, reason)
);
