-- What was decided on a review before it was asked for anew. The row of the review has the last decision alone; it moves here when
-- the review waits again. Nothing of it is ever changed, and it goes with its review. What people wrote is not kept.

CREATE TABLE former_review_decisions (
    review_id   uuid        NOT NULL,
    -- The work of the request that decided it, by which a repeat finds its own decision.
    decision_id uuid        NOT NULL,
    decision    text        NOT NULL,
    reason_code text        NOT NULL,
    decided_by  bigint      NOT NULL,
    decided_at  timestamptz NOT NULL,
    CONSTRAINT former_review_decisions_pkey PRIMARY KEY (review_id, decision_id),
    CONSTRAINT former_review_decisions_of_review
        FOREIGN KEY (review_id) REFERENCES reviews (review_id) ON DELETE CASCADE,
    CONSTRAINT former_review_decisions_decision_known CHECK (decision IN ('accepted', 'rejected', 'resubmit'))
);
