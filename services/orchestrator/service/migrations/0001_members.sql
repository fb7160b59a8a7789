-- The profiles that documents are compared with.

CREATE TABLE members (
    member_id     bigint      PRIMARY KEY CONSTRAINT members_id_is_positive CHECK (member_id > 0),
    given_names   text        NOT NULL,
    family_name   text        NOT NULL,
    birth_date    date        NOT NULL,
    email         text,
    registered_at timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

-- Which changes were made already, so that a repeated request does nothing twice. The fingerprint is a SHA-256 over the
-- request's content.
CREATE TABLE member_requests (
    request_id   uuid        PRIMARY KEY,
    member_id    bigint      NOT NULL REFERENCES members (member_id) DEFERRABLE INITIALLY DEFERRED,
    fingerprint  bytea       NOT NULL,
    requested_at timestamptz NOT NULL
);
