-- Rows as the program of migration 4 wrote them, for the tests of later migrations. Understood by both databases.

INSERT INTO messages (id, conversation_id, workspace_id, position, role, status, content, model, input_tokens, output_tokens,
    error_code, lease_until, created_at, updated_at, finish_reason, is_usage_estimated, reserved_seq, last_seq, retry_after_ms,
    correlation_id, cancel_requested_at) VALUES
    ('msg_0199b0f3000070008000000000000008', 'conv_0199b0f3000070008000000000000005', 'ws_0199b0f3000070008000000000000001',
        3, 'user', 'completed', 'And who barks?', NULL, NULL, NULL, NULL, NULL, 1764000000000, 1764000000000, NULL, 0, NULL,
        NULL, NULL, NULL, NULL),
    ('msg_0199b0f3000070008000000000000009', 'conv_0199b0f3000070008000000000000005', 'ws_0199b0f3000070008000000000000001',
        4, 'assistant', 'failed', 'Dogs', 'scripted', 9, 1, 'model_rate_limited', NULL, 1764000000000, 1764000001000, NULL, 1,
        4096, 4097, 1500, 'req_1', NULL);
