-- Answers that are shown as they come and stored close behind, and what a reader is told of their end.
--
-- All columns are of assistants' messages only. Leases are set and compared with the database's clock.

ALTER TABLE messages
    -- Why the model stopped: stop, length, content_filter, tool_calls, refusal, error.
    ADD COLUMN IF NOT EXISTS finish_reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    -- 1 where input_tokens and output_tokens are our estimate and not the provider's count.
    ADD COLUMN IF NOT EXISTS is_usage_estimated BIGINT NOT NULL DEFAULT 0,
    -- The highest number that an event of the answer can have been shown under while it is in progress.
    ADD COLUMN IF NOT EXISTS reserved_seq BIGINT NULL,
    -- The number of the last event of an answer that has ended; the event itself is told from this row.
    ADD COLUMN IF NOT EXISTS last_seq BIGINT NULL,
    -- With error_code: how long the provider wants us to wait, and the request that found it out.
    ADD COLUMN IF NOT EXISTS retry_after_ms BIGINT NULL,
    ADD COLUMN IF NOT EXISTS correlation_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NULL,
    -- When somebody asked whoever writes the answer to stop.
    ADD COLUMN IF NOT EXISTS cancel_requested_at BIGINT NULL;
