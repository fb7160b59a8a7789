-- The trust network in the report of a month, as JSON: {members, members_passing, connections, connections_made,
-- connections_removed}. None until the community service has counted it.
ALTER TABLE verification_reports ADD COLUMN trust_network jsonb;
