-- Documents that a person has to look at.

CREATE TABLE reviews (
    review_id         uuid        NOT NULL,
    verification_id   uuid        NOT NULL,
    document_id       uuid        NOT NULL,
    -- Why a person has to look.
    internal_reason   text        NOT NULL,
    requested_at      timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    status            text        NOT NULL DEFAULT 'waiting',
    -- When it was decided, expired or withdrawn.
    ended_at          timestamptz,
    -- The activity that waits for the decision.
    workflow_id       text        NOT NULL,
    run_id            text        NOT NULL,
    activity_id       text        NOT NULL,
    claimed_by        bigint,
    claimed_until     timestamptz,
    claim_request_id  uuid,
    decision          text,
    reason_code       text,
    -- For the member.
    member_text       text,
    -- For other reviewers.
    internal_note     text,
    decided_by        bigint,
    decide_request_id uuid,
    CONSTRAINT reviews_pkey PRIMARY KEY (review_id),
    CONSTRAINT reviews_once UNIQUE (verification_id, document_id),
    CONSTRAINT reviews_of_document FOREIGN KEY (document_id) REFERENCES documents (document_id),
    CONSTRAINT reviews_status_known CHECK (status IN ('waiting', 'decided', 'expired', 'withdrawn')),
    CONSTRAINT reviews_end_known CHECK ((status = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT reviews_claim_whole
        CHECK ((claimed_by IS NULL) = (claimed_until IS NULL) AND (claimed_by IS NULL) = (claim_request_id IS NULL)),
    CONSTRAINT reviews_decision_known CHECK (decision IN ('accepted', 'rejected', 'resubmit')),
    CONSTRAINT reviews_decision_whole
        CHECK ((status = 'decided') = (num_nonnulls(decision, reason_code, member_text, decided_by, decide_request_id) = 5))
);

CREATE INDEX reviews_waiting ON reviews (requested_at, review_id) WHERE status = 'waiting';
