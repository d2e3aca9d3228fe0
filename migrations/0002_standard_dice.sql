-- The three dice of the exercises. A row that is there already stays as it is: somebody may have changed it on purpose.

INSERT INTO die_specifications (identifier, faces, error_rate) VALUES
    ('fair',    ARRAY[1, 2, 3, 4, 5, 6], 0.0),
    ('risky',   ARRAY[2, 3, 4, 5, 6, 7], 0.1),
    ('extreme', ARRAY[0, 0, 6, 6, 6, 6], 0.5)
ON CONFLICT (identifier) DO NOTHING;
