-- The dice that die-service knows.
--
-- Every statement may run again without harm: several services may start at once on one database, and a database that
-- somebody prepared by hand (or that an older lab left behind) is as welcome as an empty one. Nothing here needs more
-- than the right to create a table in the database's own schema, so the role that owns the database is enough.

CREATE TABLE IF NOT EXISTS die_specifications (
    -- The name that users type. Fifty characters are plenty, and bound what a careless client can store.
    identifier VARCHAR(50) PRIMARY KEY,
    -- One entry a side, in order. An array and not a table of its own, because a die is always read whole.
    faces INTEGER[] NOT NULL,
    -- The chance, from 0 to 1, that a roll of this die fails. It is what makes the system worth observing.
    error_rate FLOAT NOT NULL,
    CONSTRAINT die_specifications_error_rate_is_a_chance CHECK (error_rate >= 0 AND error_rate <= 1)
);
