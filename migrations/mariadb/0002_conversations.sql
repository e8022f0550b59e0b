-- Conversations, their messages, and the events of streamed answers.
--
-- Messages and events are partitioned by time, so that retention drops partitions instead of deleting rows. On MariaDB every
-- unique key of a partitioned table contains the partitioning column and foreign keys are not possible. `created_at` of a
-- message is the time in its id, and of an event the time in its message's id, so a lookup by id reads one partition.

CREATE TABLE IF NOT EXISTS conversations (
    id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    owner_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    title VARCHAR(200) NULL,
    agent VARCHAR(64) NOT NULL,
    -- The position of the newest message; messages of a conversation are numbered from 1 without gaps.
    last_position BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Counts the changes of title and agent: what a client's If-Match is compared with.
    version BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY ix_conversations_owner (workspace_id, owner_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS messages (
    id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    conversation_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    position BIGINT NOT NULL,
    role VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    content LONGTEXT NOT NULL,
    -- The rest is of assistants' messages only.
    model VARCHAR(200) NULL,
    input_tokens BIGINT NULL,
    output_tokens BIGINT NULL,
    error_code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    -- Until when the instance that writes the answer is believed to be alive.
    lease_until BIGINT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (id, created_at),
    KEY ix_messages_conversation (conversation_id, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
PARTITION BY RANGE (created_at) (
    PARTITION p2026 VALUES LESS THAN (1798761600000),
    PARTITION p2027_01 VALUES LESS THAN (1801440000000),
    PARTITION p2027_02 VALUES LESS THAN (1803859200000),
    PARTITION p2027_03 VALUES LESS THAN (1806537600000),
    PARTITION p2027_04 VALUES LESS THAN (1809129600000),
    PARTITION p2027_05 VALUES LESS THAN (1811808000000),
    PARTITION p2027_06 VALUES LESS THAN (1814400000000),
    PARTITION p2027_07 VALUES LESS THAN (1817078400000),
    PARTITION p2027_08 VALUES LESS THAN (1819756800000),
    PARTITION p2027_09 VALUES LESS THAN (1822348800000),
    PARTITION p2027_10 VALUES LESS THAN (1825027200000),
    PARTITION p2027_11 VALUES LESS THAN (1827619200000),
    PARTITION p2027_12 VALUES LESS THAN (1830297600000),
    PARTITION later VALUES LESS THAN MAXVALUE
);

CREATE TABLE IF NOT EXISTS message_events (
    message_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    workspace_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- A row holds the events first_seq, first_seq + 1, ...: a JSON array of [name, data].
    first_seq BIGINT NOT NULL,
    events LONGTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (message_id, first_seq, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
PARTITION BY RANGE (created_at) (
    PARTITION p2026 VALUES LESS THAN (1798761600000),
    PARTITION p2027_01 VALUES LESS THAN (1801440000000),
    PARTITION p2027_02 VALUES LESS THAN (1803859200000),
    PARTITION p2027_03 VALUES LESS THAN (1806537600000),
    PARTITION p2027_04 VALUES LESS THAN (1809129600000),
    PARTITION p2027_05 VALUES LESS THAN (1811808000000),
    PARTITION p2027_06 VALUES LESS THAN (1814400000000),
    PARTITION p2027_07 VALUES LESS THAN (1817078400000),
    PARTITION p2027_08 VALUES LESS THAN (1819756800000),
    PARTITION p2027_09 VALUES LESS THAN (1822348800000),
    PARTITION p2027_10 VALUES LESS THAN (1825027200000),
    PARTITION p2027_11 VALUES LESS THAN (1827619200000),
    PARTITION p2027_12 VALUES LESS THAN (1830297600000),
    PARTITION later VALUES LESS THAN MAXVALUE
);
