-- Validations: who is asked to vouch for a member, what they say, and what it amounts to.

-- What members agreed to show to those who are asked. Personal, so a row goes when its validation has ended.
CREATE TABLE introductions (
    introduction_id uuid        NOT NULL,
    member_id       bigint      NOT NULL CONSTRAINT introductions_member_is_positive CHECK (member_id > 0),
    display_name    text        NOT NULL,
    relationship    text        NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT introductions_pkey PRIMARY KEY (introduction_id)
);

CREATE INDEX introductions_by_age ON introductions (created_at);

-- One validation of one verification.
CREATE TABLE validations (
    verification_id  uuid        NOT NULL,
    member_id        bigint      NOT NULL CONSTRAINT validations_member_is_positive CHECK (member_id > 0),
    introduction_id  uuid        NOT NULL,
    -- The workflow that takes the answers.
    workflow_id      text        NOT NULL,
    run_id           text        NOT NULL,
    approvals_needed integer     NOT NULL,
    -- How many batches of validators were invited.
    batches          integer     NOT NULL DEFAULT 0,
    requested_at     timestamptz NOT NULL,
    deadline         timestamptz NOT NULL,
    -- What the votes amount to, as JSON: set when no answer is taken any more, and again after a person's review.
    outcome          jsonb,
    -- `accepted`, `rejected`, or `needs_review` until a person has decided.
    decision         text,
    confidence       integer     CONSTRAINT validations_confidence_range CHECK (confidence BETWEEN 0 AND 10000),
    ended_at         timestamptz,
    review_until     timestamptz,
    -- Who decided in a review, as an actor writes itself: `person:42`.
    decided_by       text,
    CONSTRAINT validations_pkey PRIMARY KEY (verification_id),
    CONSTRAINT validations_outcome_is_whole CHECK (num_nonnulls(outcome, decision, confidence, ended_at) IN (0, 4))
);

CREATE INDEX validations_in_review ON validations (review_until, verification_id) WHERE decision = 'needs_review';
CREATE INDEX validations_by_introduction ON validations (introduction_id);

-- Why each candidate of a validation was chosen or left out, as of the last batch that looked at them.
CREATE TABLE validation_candidates (
    verification_id       uuid     NOT NULL,
    member_id             bigint   NOT NULL,
    batch                 integer  NOT NULL,
    -- `CHOSEN`, `IN_RESERVE` where others were better placed, or the reason why they may not vouch.
    standing              text     NOT NULL,
    -- Connections between them and the member: 1 or 2.
    distance              smallint NOT NULL,
    -- Their reputation then, none where it was not asked for.
    reputation            smallint,
    -- Connections to those who were chosen before them, none where they were not chosen.
    connections_to_chosen integer,
    CONSTRAINT validation_candidates_pkey PRIMARY KEY (verification_id, member_id)
);

-- Requests to vouch.
CREATE TABLE validation_requests (
    verification_id uuid        NOT NULL,
    validator_id    bigint      NOT NULL,
    batch           integer     NOT NULL,
    invited_at      timestamptz NOT NULL,
    deadline        timestamptz NOT NULL,
    closed_at       timestamptz,
    -- `ANSWERED`, `OVER`, or the reason why the validator may not vouch any more.
    closed_as       text,
    CONSTRAINT validation_requests_pkey PRIMARY KEY (verification_id, validator_id),
    CONSTRAINT validation_requests_of_validation FOREIGN KEY (verification_id) REFERENCES validations (verification_id),
    CONSTRAINT validation_requests_closing_is_whole CHECK (num_nonnulls(closed_at, closed_as) IN (0, 2))
);

CREATE INDEX validation_requests_open ON validation_requests (validator_id, deadline, verification_id)
    WHERE closed_at IS NULL;

-- Answers that count. One row a validator, never changed.
CREATE TABLE validation_votes (
    verification_id uuid        NOT NULL,
    validator_id    bigint      NOT NULL,
    -- Whom it is about.
    member_id       bigint      NOT NULL,
    -- The request that it came by, none for a signal without one.
    request_id      uuid,
    answer          text        NOT NULL CONSTRAINT validation_votes_answer CHECK (answer IN ('approve', 'reject', 'abstain')),
    reject_reason   text,
    -- The validator's reputation when they answered.
    reputation      smallint    NOT NULL CONSTRAINT validation_votes_reputation_range CHECK (reputation BETWEEN 0 AND 100),
    evidence_id     uuid        NOT NULL,
    voted_at        timestamptz NOT NULL,
    CONSTRAINT validation_votes_pkey PRIMARY KEY (verification_id, validator_id),
    CONSTRAINT validation_votes_of_request FOREIGN KEY (verification_id, validator_id)
        REFERENCES validation_requests (verification_id, validator_id),
    CONSTRAINT validation_votes_evidence UNIQUE (evidence_id),
    CONSTRAINT validation_votes_not_for_oneself CHECK (validator_id <> member_id),
    CONSTRAINT validation_votes_reason_with_rejection CHECK ((answer = 'reject') = (reject_reason IS NOT NULL))
);

CREATE INDEX validation_votes_by_validator ON validation_votes (validator_id, voted_at);

CREATE FUNCTION refuse_change_of_vote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'votes are never changed';
END
$$;

CREATE TRIGGER validation_votes_append_only BEFORE UPDATE OR DELETE ON validation_votes
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_vote();

-- What members are to be told. Whoever delivers sets `delivered_at`, nothing does yet.
CREATE TABLE notifications (
    notification_id uuid        NOT NULL,
    member_id       bigint      NOT NULL,
    -- `VALIDATION_REQUESTED`, `VALIDATION_REMINDER_1`, `VALIDATION_REMINDER_2` …
    kind            text        NOT NULL,
    verification_id uuid        NOT NULL,
    created_at      timestamptz NOT NULL,
    delivered_at    timestamptz,
    CONSTRAINT notifications_pkey PRIMARY KEY (notification_id),
    CONSTRAINT notifications_once UNIQUE (verification_id, member_id, kind)
);

CREATE INDEX notifications_to_deliver ON notifications (created_at, notification_id) WHERE delivered_at IS NULL;
