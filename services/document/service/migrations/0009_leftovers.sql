-- Objects that no document names yet or any more: of an upload until it is recorded, of an erased document until they are
-- deleted. Rows that stay are of a client or process that went away in between.

CREATE TABLE leftover_objects (
    document_id uuid        NOT NULL,
    member_id   bigint      NOT NULL,
    file_count  integer     NOT NULL,
    since       timestamptz NOT NULL,
    CONSTRAINT leftover_objects_pkey PRIMARY KEY (document_id)
);

CREATE INDEX leftover_objects_by_age ON leftover_objects (since);
