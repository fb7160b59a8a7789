-- What members have earned: one entry for each method of a verification, with a line for each piece of evidence.
-- Entries and lines are written once and never changed; a correction is another entry.

CREATE TABLE ledger_entries (
    entry_id        uuid        PRIMARY KEY,
    member_id       bigint      NOT NULL CONSTRAINT ledger_entries_member_is_positive CHECK (member_id > 0),
    verification_id uuid        NOT NULL,
    method          text        NOT NULL,
    rule_version    smallint    NOT NULL,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT ledger_entries_method_once UNIQUE (verification_id, method)
);

CREATE INDEX ledger_entries_by_member ON ledger_entries (member_id, occurred_at, entry_id);

CREATE TABLE ledger_lines (
    entry_id    uuid    NOT NULL REFERENCES ledger_entries (entry_id),
    kind        text    NOT NULL,
    evidence_id uuid    NOT NULL,
    points      integer NOT NULL CONSTRAINT ledger_lines_points_range CHECK (points BETWEEN 0 AND 100),
    CONSTRAINT ledger_lines_kind_once PRIMARY KEY (entry_id, kind)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only';
END
$$;

CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_lines_append_only BEFORE UPDATE OR DELETE ON ledger_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
