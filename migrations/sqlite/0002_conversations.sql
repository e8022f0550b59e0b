-- Conversations, their messages, and the events of streamed answers.
--
-- `created_at` of a message is the time in its id, and of an event the time in its message's id, as on MariaDB, where the
-- tables are partitioned by it.

CREATE TABLE IF NOT EXISTS conversations (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    title TEXT NULL,
    agent TEXT NOT NULL,
    -- The position of the newest message; messages of a conversation are numbered from 1 without gaps.
    last_position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Counts the changes of title and agent: what a client's If-Match is compared with.
    version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS ix_conversations_owner ON conversations (workspace_id, owner_id, id);

CREATE TABLE IF NOT EXISTS messages (
    id TEXT NOT NULL PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    content TEXT NOT NULL,
    -- The rest is of assistants' messages only.
    model TEXT NULL,
    input_tokens INTEGER NULL,
    output_tokens INTEGER NULL,
    error_code TEXT NULL,
    -- Until when the instance that writes the answer is believed to be alive.
    lease_until INTEGER NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_messages_conversation ON messages (conversation_id, position);

CREATE TABLE IF NOT EXISTS message_events (
    message_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    -- A row holds the events first_seq, first_seq + 1, ...: a JSON array of [name, data].
    first_seq INTEGER NOT NULL,
    events TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (message_id, first_seq)
) WITHOUT ROWID;
