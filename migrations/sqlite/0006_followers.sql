-- Who follows answers at the moment: a row for each place that somebody has taken, so that nobody takes more than there are.
CREATE TABLE IF NOT EXISTS followers (
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Which of the user's places, from 0.
    place INTEGER NOT NULL,
    -- Who has it: made up for each stream.
    holder TEXT NOT NULL,
    -- By the database's clock.
    taken_until INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id, place)
) WITHOUT ROWID;
