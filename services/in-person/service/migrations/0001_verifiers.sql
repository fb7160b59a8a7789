-- Those who meet members in person.

-- Only a superuser may create it. Where the role of the service is none, somebody else creates it before, and this changes nothing.
CREATE EXTENSION IF NOT EXISTS postgis;

CREATE TABLE verifiers (
    verifier_id     bigint                 NOT NULL CONSTRAINT verifiers_id_is_positive CHECK (verifier_id > 0),
    -- Where they can meet, rounded to a thousandth of a degree, because where somebody is is personal.
    location        geography(Point, 4326) NOT NULL,
    -- Their zone by its IANA name.
    time_zone       text                   NOT NULL,
    -- When they are free, as JSON (crate in-person-availability).
    availability    jsonb                  NOT NULL,
    -- What they are certified to check: `identity`, `original_document`.
    methods         text[]                 NOT NULL CONSTRAINT verifiers_have_methods CHECK (cardinality(methods) > 0),
    -- Whether they take no part at present.
    is_paused       boolean                NOT NULL,
    certified_until timestamptz            NOT NULL,
    version         bigint                 NOT NULL DEFAULT 1,
    registered_at   timestamptz            NOT NULL,
    updated_at      timestamptz            NOT NULL,
    CONSTRAINT verifiers_pkey PRIMARY KEY (verifier_id)
);

CREATE INDEX verifiers_by_location ON verifiers USING gist (location) WHERE NOT is_paused;
