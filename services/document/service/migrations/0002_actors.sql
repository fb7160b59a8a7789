-- Who did it, as an actor writes itself: `person:42`, or `service:platform` where a service acted for itself. None of what was
-- done before it was recorded.

ALTER TABLE documents ADD COLUMN erased_by text;
ALTER TABLE document_identities ADD COLUMN released_by text;
ALTER TABLE blocked_documents ADD COLUMN blocked_by text;
