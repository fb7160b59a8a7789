-- Requests and their answers, so that a repeated request does nothing twice. A row goes 30 days after it came.
CREATE TABLE mesh_idempotency_records (
    request_id   uuid        CONSTRAINT mesh_idempotency_records_once PRIMARY KEY,
    -- The full name of the RPC. It is for people; the fingerprint covers it.
    rpc          text        NOT NULL,
    -- HMAC-SHA-256 of the RPC and its message. A request id that comes with another one is refused.
    fingerprint  bytea       NOT NULL CONSTRAINT mesh_idempotency_records_fingerprint_length CHECK (octet_length(fingerprint) = 32),
    -- The id of what the request makes. Every attempt gets the same one.
    resource_id  uuid        NOT NULL,
    attempt      integer     NOT NULL CONSTRAINT mesh_idempotency_records_attempt_is_positive CHECK (attempt > 0),
    claimed_at   timestamptz NOT NULL,
    -- Until then nobody else takes an unanswered request over.
    leased_until timestamptz NOT NULL,
    answer       bytea,
    answered_at  timestamptz,
    CONSTRAINT mesh_idempotency_records_answer_has_its_instant CHECK ((answer IS NULL) = (answered_at IS NULL))
);

CREATE INDEX mesh_idempotency_records_by_age ON mesh_idempotency_records (claimed_at);

-- The key of the fingerprints: one for each database, random, made here. A fingerprint without a key would let whoever
-- finds a copy of mesh_idempotency_records try out names and numbers until one fits.
CREATE TABLE mesh_idempotency_key (
    is_only boolean CONSTRAINT mesh_idempotency_key_once PRIMARY KEY DEFAULT true CONSTRAINT mesh_idempotency_key_is_only CHECK (is_only),
    key     bytea   NOT NULL CONSTRAINT mesh_idempotency_key_length CHECK (octet_length(key) = 32)
);

-- gen_random_uuid() draws from PostgreSQL's cryptographic source: 122 random bits each.
INSERT INTO mesh_idempotency_key (key) VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
