-- The read model of verifications. While one is in progress its workflow is the truth; `state` is its end.

CREATE TABLE verifications (
    verification_id uuid        PRIMARY KEY,
    member_id       bigint      NOT NULL REFERENCES members (member_id),
    request_id      uuid        NOT NULL CONSTRAINT verifications_request_once UNIQUE,
    request         jsonb       NOT NULL,
    status          text        NOT NULL CONSTRAINT verifications_status_known
                                CHECK (status IN ('in_progress', 'completed', 'failed', 'cancelled', 'timeout')),
    run_id          text,
    state           jsonb,
    score           smallint    CONSTRAINT verifications_score_range CHECK (score BETWEEN 0 AND 100),
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    CONSTRAINT verifications_ended CHECK ((status = 'in_progress') = (ended_at IS NULL))
);

CREATE UNIQUE INDEX verifications_one_in_progress ON verifications (member_id) WHERE status = 'in_progress';
CREATE INDEX verifications_by_member ON verifications (member_id, verification_id DESC);
CREATE INDEX verifications_by_status ON verifications (status, verification_id DESC);
