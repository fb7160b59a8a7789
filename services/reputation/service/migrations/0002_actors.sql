-- Who did it, as an actor writes itself: `person:42`, or `service:platform` where a service acted for itself. None of what was
-- done before it was recorded, and none of what an activity of a workflow recorded.

ALTER TABLE ledger_entries
    -- Of an activity.
    ADD COLUMN recorded_by text,
    -- Of a counter.
    ADD COLUMN countered_by text;
