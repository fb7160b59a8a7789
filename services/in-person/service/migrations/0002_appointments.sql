-- Appointments of members with verifiers.

-- For a constraint over an id and a span of time. Its owner need not be a superuser (it is a trusted extension).
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Where they meet members, in words, encrypted.
ALTER TABLE verifiers
    ADD COLUMN meeting_point        bytea,
    ADD COLUMN meeting_point_key_id text,
    ADD CONSTRAINT verifiers_meeting_point_is_whole CHECK (num_nonnulls(meeting_point, meeting_point_key_id) IN (0, 2)) NOT VALID;

-- Where and when members can meet somebody. Personal, so a row goes when its verification has ended.
CREATE TABLE meeting_preferences (
    meeting_preference_id    uuid                   NOT NULL,
    member_id                bigint                 NOT NULL CONSTRAINT meeting_preferences_member_is_positive CHECK (member_id > 0),
    -- Rounded to a thousandth of a degree.
    location                 geography(Point, 4326) NOT NULL,
    -- Spans of time as [begin, end], in seconds since 1970-01-01 UTC. Any time when there is none.
    free_times               jsonb                  NOT NULL,
    brings_original_document boolean                NOT NULL,
    created_at               timestamptz            NOT NULL,
    CONSTRAINT meeting_preferences_pkey PRIMARY KEY (meeting_preference_id)
);

CREATE INDEX meeting_preferences_by_age ON meeting_preferences (created_at);

-- One verification by the method in person. Whoever books for it or ends it has its row locked.
CREATE TABLE meetings (
    verification_id       uuid        NOT NULL,
    member_id             bigint      NOT NULL,
    -- It is forgotten with the end.
    meeting_preference_id uuid        NOT NULL,
    -- The workflow that is told of changes.
    workflow_id           text        NOT NULL,
    run_id                text        NOT NULL,
    -- Set when nothing is booked any more.
    closed_at             timestamptz,
    CONSTRAINT meetings_pkey PRIMARY KEY (verification_id)
);

-- Whoever changes an appointment has its verifier's row locked.
CREATE TABLE appointments (
    appointment_id       uuid        NOT NULL,
    verification_id      uuid        NOT NULL,
    -- Which one of the verification it is, from 1.
    number               integer     NOT NULL,
    member_id            bigint      NOT NULL,
    verifier_id          bigint      NOT NULL,
    starts_at            timestamptz NOT NULL,
    ends_at              timestamptz NOT NULL,
    -- When it must have ended, wherever it is moved to.
    until                timestamptz NOT NULL,
    -- The verifier's zone when it was booked.
    time_zone            text        NOT NULL,
    -- The verifier's meeting point when it was booked, encrypted. It is forgotten some time after the end.
    meeting_point        bytea,
    meeting_point_key_id text,
    -- `booked` and `checked_in` are open. The others are those of the contract.
    state                text        NOT NULL,
    version              bigint      NOT NULL DEFAULT 1,
    reschedules          integer     NOT NULL DEFAULT 0 CONSTRAINT appointments_moved_thrice_at_most CHECK (reschedules BETWEEN 0 AND 3),
    -- The key that the code for the check-in is made with, and how many wrong ones were entered.
    code_key_id          text        NOT NULL,
    code_tries           integer     NOT NULL DEFAULT 0 CONSTRAINT appointments_code_tries_range CHECK (code_tries BETWEEN 0 AND 5),
    -- What was checked, as JSON: the evidence of a completed appointment.
    evidence             jsonb,
    is_confirmed         boolean,
    booked_at            timestamptz NOT NULL,
    changed_at           timestamptz NOT NULL,
    ended_at             timestamptz,
    -- The version that the workflow was told of. It makes the first one itself.
    told_version         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT appointments_pkey PRIMARY KEY (appointment_id),
    CONSTRAINT appointments_number UNIQUE (verification_id, number),
    CONSTRAINT appointments_of_meeting FOREIGN KEY (verification_id) REFERENCES meetings (verification_id),
    CONSTRAINT appointments_of_verifier FOREIGN KEY (verifier_id) REFERENCES verifiers (verifier_id),
    CONSTRAINT appointments_not_with_oneself CHECK (member_id <> verifier_id),
    CONSTRAINT appointments_meeting_point_is_whole CHECK (num_nonnulls(meeting_point, meeting_point_key_id) IN (0, 2)),
    CONSTRAINT appointments_last CHECK (starts_at < ends_at AND ends_at <= until),
    CONSTRAINT appointments_end CHECK ((state IN ('booked', 'checked_in')) = (ended_at IS NULL)),
    CONSTRAINT appointments_completion_is_whole
        CHECK ((state = 'completed') = (evidence IS NOT NULL) AND (state = 'completed') = (is_confirmed IS NOT NULL)),
    -- Nobody is in two places at once, whatever runs at the same time.
    CONSTRAINT appointments_verifier_is_free EXCLUDE USING gist (verifier_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (ended_at IS NULL),
    CONSTRAINT appointments_member_is_free EXCLUDE USING gist (member_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (ended_at IS NULL)
);

CREATE INDEX appointments_by_verifier ON appointments (verifier_id, starts_at);
CREATE INDEX appointments_open ON appointments (until) WHERE ended_at IS NULL;
CREATE INDEX appointments_to_forget ON appointments (ended_at) WHERE meeting_point IS NOT NULL;
CREATE INDEX appointments_to_tell ON appointments (changed_at) WHERE told_version < version;

-- Each change of an appointment, written once, in the order in which they took effect for a verifier.
CREATE TABLE appointment_changes (
    sequence       bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    appointment_id uuid        NOT NULL,
    verifier_id    bigint      NOT NULL,
    version        bigint      NOT NULL,
    state          text        NOT NULL,
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    -- Who did it, as an actor writes itself: `person:42`. The workflow is `service:in-person`.
    changed_by     text        NOT NULL,
    changed_at     timestamptz NOT NULL,
    CONSTRAINT appointment_changes_pkey PRIMARY KEY (sequence),
    CONSTRAINT appointment_changes_of_appointment FOREIGN KEY (appointment_id) REFERENCES appointments (appointment_id),
    CONSTRAINT appointment_changes_once UNIQUE (appointment_id, version)
);

CREATE FUNCTION refuse_change_of_appointment_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of appointments is append-only';
END
$$;

CREATE TRIGGER appointment_changes_append_only BEFORE UPDATE OR DELETE ON appointment_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_appointment_history();

-- What people are to be told. Whoever delivers sets `delivered_at`, nothing does yet.
CREATE TABLE notifications (
    notification_id uuid        NOT NULL,
    member_id       bigint      NOT NULL,
    -- `APPOINTMENT_INVITATION` and `APPOINTMENT_CANCELLATION` with an iCalendar object, `APPOINTMENT_REMINDER_24H` and `…_2H` without.
    kind            text        NOT NULL,
    appointment_id  uuid        NOT NULL,
    -- The version of the appointment that it tells of.
    version         bigint      NOT NULL,
    -- The iCalendar object, encrypted, because it says where they meet.
    content         bytea,
    content_key_id  text,
    created_at      timestamptz NOT NULL,
    deliver_after   timestamptz NOT NULL,
    delivered_at    timestamptz,
    CONSTRAINT notifications_pkey PRIMARY KEY (notification_id),
    CONSTRAINT notifications_of_appointment FOREIGN KEY (appointment_id) REFERENCES appointments (appointment_id),
    CONSTRAINT notifications_once UNIQUE (appointment_id, member_id, kind, version),
    CONSTRAINT notifications_content_is_whole CHECK (num_nonnulls(content, content_key_id) IN (0, 2))
);

CREATE INDEX notifications_to_deliver ON notifications (deliver_after, notification_id) WHERE delivered_at IS NULL;
