-- The trust network's part of an assessment, as the community service answered when the verification asked. All three are absent
-- where a version assessed that did not ask it.

ALTER TABLE assessments
    ADD COLUMN network_evidence_id uuid,
    ADD COLUMN network_points      smallint,
    -- Why there are no points; absent where there are.
    ADD COLUMN network_withheld    text;

ALTER TABLE assessments
    ADD CONSTRAINT assessments_network_is_whole CHECK (
        num_nulls(network_evidence_id, network_points) IN (0, 2)
        AND (network_withheld IS NULL OR network_points = 0)
        AND network_points BETWEEN 0 AND 15
    ) NOT VALID;
