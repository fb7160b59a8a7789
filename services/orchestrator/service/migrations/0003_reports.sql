-- What runs by the clock. A reminder is one a week: `week` is its Monday in UTC.

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
    level_none        bigint      NOT NULL,
    level_bronze      bigint      NOT NULL,
    level_silver      bigint      NOT NULL,
    level_gold        bigint      NOT NULL,
    methods           jsonb       NOT NULL,
    median_seconds    bigint      CONSTRAINT verification_reports_median_is_not_negative CHECK (median_seconds >= 0),
    computed_at       timestamptz NOT NULL
);

-- Both look for what ended in a span of time, or has not ended.
CREATE INDEX verifications_by_end ON verifications (ended_at);
