-- The trust network: who of the members trusts whom, and how much. Strengths are in hundredths.

CREATE TABLE connections (
    from_member bigint      NOT NULL CONSTRAINT connections_from_is_positive CHECK (from_member > 0),
    to_member   bigint      NOT NULL CONSTRAINT connections_to_is_positive CHECK (to_member > 0),
    strength    smallint    NOT NULL CONSTRAINT connections_strength_range CHECK (strength BETWEEN 1 AND 100),
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    CONSTRAINT connections_pkey PRIMARY KEY (from_member, to_member),
    CONSTRAINT connections_not_to_oneself CHECK (from_member <> to_member)
);

CREATE INDEX connections_by_receiver ON connections (to_member, from_member);

-- Each change of a connection, written once. Every instance follows it, to have the network in memory.
CREATE TABLE connection_changes (
    -- Of one connection in the order of its changes; of two in no order that matters. Numbers can be missing, and become
    -- visible in another order than theirs.
    sequence     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    from_member  bigint      NOT NULL,
    to_member    bigint      NOT NULL,
    -- None where there was no connection before, or is none any more.
    old_strength smallint,
    new_strength smallint,
    -- Who did it, as an actor writes itself: `person:42`.
    changed_by   text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    CONSTRAINT connection_changes_pkey PRIMARY KEY (sequence),
    CONSTRAINT connection_changes_members CHECK (from_member > 0 AND to_member > 0 AND from_member <> to_member),
    CONSTRAINT connection_changes_strength_range CHECK (old_strength BETWEEN 1 AND 100 AND new_strength BETWEEN 1 AND 100),
    CONSTRAINT connection_changes_change_something CHECK (old_strength IS DISTINCT FROM new_strength)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of connections is append-only';
END
$$;

CREATE TRIGGER connection_changes_append_only BEFORE UPDATE OR DELETE ON connection_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
