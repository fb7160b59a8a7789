-- Verifiers that were there before the column have none, so this only looks.
ALTER TABLE verifiers VALIDATE CONSTRAINT verifiers_meeting_point_is_whole;
