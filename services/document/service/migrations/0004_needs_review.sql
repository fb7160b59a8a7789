-- A person decides: the standing decision until then.

ALTER TABLE rulings
    DROP CONSTRAINT rulings_decision_known,
    ADD CONSTRAINT rulings_decision_known CHECK (decision IN ('accepted', 'rejected', 'resubmit', 'needs_review'));
