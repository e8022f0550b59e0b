-- Who follows answers at the moment: a row for each place that somebody has taken, so that nobody takes more than there are.
CREATE TABLE IF NOT EXISTS followers (
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Which of the user's places, from 0.
    place BIGINT NOT NULL,
    -- Who has it: made up for each stream.
    holder VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- By the database's clock.
    taken_until BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id, place)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
