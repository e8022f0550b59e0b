-- Answers that are shown as they come and stored close behind, and what a reader is told of their end.
--
-- All columns are of assistants' messages only. Leases are set and compared with the database's clock.

-- Why the model stopped: stop, length, content_filter, tool_calls, refusal, error.
ALTER TABLE messages ADD COLUMN finish_reason TEXT NULL;

-- 1 where input_tokens and output_tokens are our estimate and not the provider's count.
ALTER TABLE messages ADD COLUMN is_usage_estimated INTEGER NOT NULL DEFAULT 0;

-- The highest number that an event of the answer can have been shown under while it is in progress.
ALTER TABLE messages ADD COLUMN reserved_seq INTEGER NULL;

-- The number of the last event of an answer that has ended; the event itself is told from this row.
ALTER TABLE messages ADD COLUMN last_seq INTEGER NULL;

-- With error_code: how long the provider wants us to wait, and the request that found it out.
ALTER TABLE messages ADD COLUMN retry_after_ms INTEGER NULL;

ALTER TABLE messages ADD COLUMN correlation_id TEXT NULL;

-- When somebody asked whoever writes the answer to stop.
ALTER TABLE messages ADD COLUMN cancel_requested_at INTEGER NULL;
