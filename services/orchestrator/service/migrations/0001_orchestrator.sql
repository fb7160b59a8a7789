-- The profiles that documents are compared with.
CREATE TABLE members (
    member_id       bigint      PRIMARY KEY CONSTRAINT members_id_is_positive CHECK (member_id > 0),
    given_names     text        NOT NULL,
    family_name     text        NOT NULL,
    birth_date      date        NOT NULL,
    email           text,
    registered_at   timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    -- Grows with each change of names or birth date: its instant in microseconds since 1970, so that no version comes again
    -- after a restore from a backup. The document service is told of the last one at `tell_due_at`.
    profile_version bigint      NOT NULL,
    tell_due_at     timestamptz
);

CREATE INDEX members_by_tell_due ON members (tell_due_at) WHERE tell_due_at IS NOT NULL;

-- The read model of verifications. While one is in progress its workflow is the truth; `outcome` is its end. `run_id`
-- names its run in Temporal, once it is started there. While it is in progress somebody looks at `next_look_at` whether its
-- workflow was started, and whether it still runs.
--
-- `revoked_at` says when something that it rests on was taken away, whether it had ended by then or not: one that is or would
-- be completed is `revoked`, and an end gives no score. What it earned by the document is countered in the ledger at
-- `counter_due_at`, also again where scoring may come after.
CREATE TABLE verifications (
    verification_id uuid        PRIMARY KEY,
    member_id       bigint      NOT NULL REFERENCES members (member_id),
    request         jsonb       NOT NULL,
    status          text        NOT NULL CONSTRAINT verifications_status_known
                                CHECK (status IN ('in_progress', 'completed', 'failed', 'cancelled', 'timeout',
                                                  'revoked')),
    run_id          text,
    outcome         jsonb,
    score           smallint    CONSTRAINT verifications_score_range CHECK (score BETWEEN 0 AND 100),
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    next_look_at    timestamptz NOT NULL,
    revoked_reason  text,
    revoked_at      timestamptz,
    counter_due_at  timestamptz,
    CONSTRAINT verifications_in_progress CHECK (
        status <> 'in_progress' OR num_nulls(outcome, score, ended_at) = 3),
    CONSTRAINT verifications_ended CHECK (
        status = 'in_progress' OR num_nulls(run_id, outcome, score, ended_at) = 0),
    CONSTRAINT verifications_revocation_whole CHECK ((revoked_reason IS NULL) = (revoked_at IS NULL)),
    CONSTRAINT verifications_revoked CHECK (CASE status
        WHEN 'revoked'   THEN revoked_at IS NOT NULL
        WHEN 'completed' THEN revoked_at IS NULL
        ELSE true
    END)
);

CREATE UNIQUE INDEX verifications_one_in_progress ON verifications (member_id) WHERE status = 'in_progress';
CREATE INDEX verifications_by_member ON verifications (member_id, verification_id DESC);
CREATE INDEX verifications_by_status ON verifications (status, verification_id DESC);
CREATE INDEX verifications_by_next_look ON verifications (next_look_at) WHERE status = 'in_progress';
-- Reminders and reports look for what ended in a span of time, or has not ended.
CREATE INDEX verifications_by_end ON verifications (ended_at);
CREATE INDEX verifications_by_counter_due ON verifications (counter_due_at) WHERE counter_due_at IS NOT NULL;

-- How far the revocations of a service were followed.
CREATE TABLE followed_services (
    service    text CONSTRAINT followed_services_once PRIMARY KEY,
    -- The next page of its list, as the service wrote it; empty before the first.
    page_token text NOT NULL
);

-- A reminder is one a week for each verification: `week` is its Monday in UTC.
CREATE TABLE verification_reminders (
    verification_id uuid        NOT NULL REFERENCES verifications (verification_id),
    week            date        NOT NULL CONSTRAINT verification_reminders_week_is_a_monday
                                CHECK (extract(isodow FROM week) = 1),
    member_id       bigint      NOT NULL REFERENCES members (member_id),
    reminded_at     timestamptz NOT NULL,
    CONSTRAINT verification_reminders_once_a_week PRIMARY KEY (verification_id, week)
);

CREATE INDEX verification_reminders_by_week ON verification_reminders (week DESC, verification_id DESC);
CREATE INDEX verification_reminders_by_member ON verification_reminders (member_id, week DESC, verification_id DESC);

-- A calendar month in UTC, named by its first day. `methods` is a list of {method, accepted, not_accepted}.
CREATE TABLE verification_reports (
    month             date        CONSTRAINT verification_reports_one_a_month PRIMARY KEY
                                  CONSTRAINT verification_reports_month_is_a_first CHECK (extract(day FROM month) = 1),
    in_progress       bigint      NOT NULL,
    completed         bigint      NOT NULL,
    failed            bigint      NOT NULL,
    cancelled         bigint      NOT NULL,
    timed_out         bigint      NOT NULL,
    revoked           bigint      NOT NULL,
    level_none        bigint      NOT NULL,
    level_bronze      bigint      NOT NULL,
    level_silver      bigint      NOT NULL,
    level_gold        bigint      NOT NULL,
    methods           jsonb       NOT NULL,
    median_seconds    bigint      CONSTRAINT verification_reports_median_is_not_negative CHECK (median_seconds >= 0),
    computed_at       timestamptz NOT NULL
);
