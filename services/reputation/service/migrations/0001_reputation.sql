-- The ledger: what members have earned. Entries and lines are written once and never changed; a correction is another entry.

CREATE TABLE ledger_entries (
    entry_id        uuid        PRIMARY KEY,
    -- `verification`: a method of a verification found evidence. A second batch of evidence is a second entry.
    -- `activity`: the member did something on the platform. `counter`: another entry does not count any more.
    kind            text        NOT NULL,
    member_id       bigint      NOT NULL CONSTRAINT ledger_entries_member_is_positive CHECK (member_id > 0),
    verification_id uuid,
    method          text,
    rule_version    smallint,
    -- Of an activity: minutes or rating.
    quantity        integer,
    -- Of a counter: the entry that does not count any more, and why.
    counters        uuid        CONSTRAINT ledger_entries_countered_once UNIQUE
                                CONSTRAINT ledger_entries_counter_an_entry REFERENCES ledger_entries (entry_id),
    reason          text,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT ledger_entries_kind_says_what_is_there CHECK (CASE kind
        WHEN 'verification' THEN verification_id IS NOT NULL AND method IS NOT NULL AND rule_version IS NOT NULL
        WHEN 'activity'     THEN rule_version IS NOT NULL AND coalesce(quantity, 0) > 0
        WHEN 'counter'      THEN counters IS NOT NULL AND reason IS NOT NULL
        ELSE false
    END)
);

CREATE INDEX ledger_entries_by_verification ON ledger_entries (verification_id) WHERE kind = 'verification';
CREATE INDEX ledger_entries_by_member ON ledger_entries (member_id, occurred_at, entry_id);
-- A member has few verifications among many activities.
CREATE INDEX ledger_entries_of_verifications ON ledger_entries (member_id, occurred_at, entry_id)
    WHERE kind = 'verification';

-- One line for each piece of evidence, by its id: a piece counts once, whatever batch it comes in.
CREATE TABLE ledger_lines (
    evidence_id uuid     NOT NULL CONSTRAINT ledger_lines_evidence_once PRIMARY KEY,
    entry_id    uuid     NOT NULL REFERENCES ledger_entries (entry_id),
    kind        text     NOT NULL,
    points      integer  NOT NULL CONSTRAINT ledger_lines_points_range CHECK (points BETWEEN 0 AND 100),
    -- The score that the points depend on, such as the voucher's reputation; absent where the kind alone decides.
    basis       smallint CONSTRAINT ledger_lines_basis_range CHECK (basis BETWEEN 0 AND 100)
);

CREATE INDEX ledger_lines_by_entry ON ledger_lines (entry_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only';
END
$$;

CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_lines_append_only BEFORE UPDATE OR DELETE ON ledger_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Materialised scores, one row a member: the score of the last event that counted (the anchor) after so many full periods.
-- The ledger is the truth. These rows let one statement find who fell below a level.
CREATE TABLE reputations (
    member_id      bigint  PRIMARY KEY CONSTRAINT reputations_member_is_positive CHECK (member_id > 0),
    -- Seconds since 1970-01-01 UTC: whole numbers all through, as in the policy.
    anchor_seconds bigint  NOT NULL,
    periods        integer NOT NULL CONSTRAINT reputations_periods_range CHECK (periods >= 0),
    nanopoints     bigint  NOT NULL CONSTRAINT reputations_nanopoints_range CHECK (nanopoints BETWEEN 0 AND 100000000000)
-- Half of each page is free for the next version of its rows, so that a sweep over all of them needs no new page and no
-- new index entry.
) WITH (fillfactor = 50);

-- What a member's ledger comes to at its last event (reputation_workflows::policy::summary), written by whoever changes the
-- ledger: the score and its parts at any later instant need no look at the events.
CREATE TABLE ledger_summaries (
    member_id                    bigint PRIMARY KEY REFERENCES reputations (member_id),
    -- The last event that counted; absent when none does.
    anchor_seconds               bigint,
    anchor_nanopoints            bigint NOT NULL,
    without_document_nanopoints  bigint NOT NULL,
    -- Of all lines that count, before any cap.
    points                       bigint NOT NULL,
    -- What each method's cap took away: [{"method": "document", "points": -5}].
    method_caps                  jsonb  NOT NULL,
    capped_away_nanopoints       bigint NOT NULL
) WITH (fillfactor = 50);

-- Who fell below a level, and when: the end of the period, whichever run noticed it.
CREATE TABLE level_falls (
    member_id    bigint      NOT NULL,
    fell_at      timestamptz NOT NULL,
    level_before smallint    NOT NULL,
    level_after  smallint    NOT NULL,
    event_id     uuid        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT level_falls_once PRIMARY KEY (member_id, fell_at, level_after),
    CONSTRAINT level_falls_levels CHECK (level_before BETWEEN 1 AND 3 AND level_after BETWEEN 0 AND level_before - 1)
);

CREATE INDEX level_falls_by_age ON level_falls (recorded_at);

-- They are never changed, and deleted only when they are old.
CREATE TRIGGER level_falls_unchanged BEFORE UPDATE ON level_falls
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The rules of reputation_workflows::policy once more, for statements over many rows; a test holds them against each other.

-- A score after full periods: 19 of 20 parts are left of each, rounded down.
CREATE FUNCTION decayed(nanopoints bigint, periods integer) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    FOR period IN 1..periods LOOP
        EXIT WHEN nanopoints = 0;
        nanopoints := nanopoints * 19 / 20;
    END LOOP;
    RETURN nanopoints;
END
$$;

-- 0 none, 1 bronze, 2 silver, 3 gold. Not STRICT, so that it becomes a part of the statement that calls it.
CREATE FUNCTION level_of(nanopoints bigint) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN nanopoints >= 75000000000 THEN 3 WHEN nanopoints >= 50000000000 THEN 2
                WHEN nanopoints >= 25000000000 THEN 1 ELSE 0 END::smallint
$$;

-- The levels that a score loses from one number of periods to another: at the end of which period, from what, to what.
CREATE FUNCTION falls_between(nanopoints bigint, from_period integer, to_period integer)
    RETURNS TABLE (period integer, level_before smallint, level_after smallint)
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 1 AS $$
DECLARE
    score bigint := nanopoints;
BEGIN
    FOR p IN from_period + 1..to_period LOOP
        level_before := level_of(score);
        score := score * 19 / 20;
        level_after := level_of(score);
        EXIT WHEN level_before = 0;
        IF level_after < level_before THEN
            period := p;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- The id of a fall is made of what it is, so whoever notices it first gives it the same one: a UUIDv7 of its instant.
CREATE FUNCTION level_fall_id(member_id bigint, fell_at_seconds bigint, level_after smallint) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(fell_at_seconds * 1000), 12, '0') || '7' || substr(seed, 1, 3) || '8' || substr(seed, 4, 15))::uuid
      FROM md5(member_id || '/' || fell_at_seconds || '/' || level_after) seed
$$;

-- What the method reputation found: evidence whose points depend on how active the member was.
CREATE TABLE assessments (
    verification_id uuid        NOT NULL CONSTRAINT assessments_once PRIMARY KEY,
    member_id       bigint      NOT NULL,
    evidence_id     uuid        NOT NULL CONSTRAINT assessments_evidence_once UNIQUE,
    activity        smallint    NOT NULL CONSTRAINT assessments_activity_range CHECK (activity BETWEEN 0 AND 100),
    assessed_at     timestamptz NOT NULL
);

-- Verifications of which an entry was countered, for the orchestrator to follow: at most one row for each.
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
