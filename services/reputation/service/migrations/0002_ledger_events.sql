-- The ledger takes more than verifications: activities, and events that counter others. What was there is of kind
-- 'verification', and so is what code from before this migration writes.

ALTER TABLE ledger_entries
    ADD COLUMN kind        text NOT NULL DEFAULT 'verification',
    ADD COLUMN request_id  uuid,
    ADD COLUMN fingerprint bytea,
    ADD COLUMN quantity    integer,
    ADD COLUMN counters    uuid,
    ADD COLUMN reason      text,
    ALTER COLUMN verification_id DROP NOT NULL,
    ALTER COLUMN method DROP NOT NULL,
    ALTER COLUMN rule_version DROP NOT NULL,
    ADD CONSTRAINT ledger_entries_request_once UNIQUE (request_id),
    ADD CONSTRAINT ledger_entries_countered_once UNIQUE (counters),
    ADD CONSTRAINT ledger_entries_counter_an_entry FOREIGN KEY (counters) REFERENCES ledger_entries (entry_id),
    ADD CONSTRAINT ledger_entries_kind_says_what_is_there CHECK (CASE kind
        WHEN 'verification' THEN verification_id IS NOT NULL AND method IS NOT NULL AND rule_version IS NOT NULL
        WHEN 'activity'     THEN request_id IS NOT NULL AND rule_version IS NOT NULL AND coalesce(quantity, 0) > 0
        WHEN 'counter'      THEN request_id IS NOT NULL AND counters IS NOT NULL AND reason IS NOT NULL
        ELSE false
    END);
