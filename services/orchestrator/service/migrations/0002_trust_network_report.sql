-- The trust network in the report of a month, as JSON: {member_count, passing_member_count, connection_count,
-- connections_made, connections_removed}. None until the community service has counted it.
ALTER TABLE verification_reports ADD COLUMN trust_network jsonb;
