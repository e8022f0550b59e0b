-- Rows as the program of migration 2 wrote them, for the tests of later migrations. Understood by both databases.

INSERT INTO conversations (id, workspace_id, owner_id, title, agent, last_position, created_at, updated_at, version) VALUES
    ('conv_0199b0f3000070008000000000000005', 'ws_0199b0f3000070008000000000000001', 'user_0199b0f3000070008000000000000002',
        'Cats', 'assistant', 2, 1764000000000, 1764000000000, 1);

INSERT INTO messages (id, conversation_id, workspace_id, position, role, status, content, model, created_at, updated_at) VALUES
    ('msg_0199b0f3000070008000000000000006', 'conv_0199b0f3000070008000000000000005', 'ws_0199b0f3000070008000000000000001',
        1, 'user', 'completed', 'Who purrs?', NULL, 1764000000000, 1764000000000),
    ('msg_0199b0f3000070008000000000000007', 'conv_0199b0f3000070008000000000000005', 'ws_0199b0f3000070008000000000000001',
        2, 'assistant', 'completed', 'Cats do.', 'scripted', 1764000000000, 1764000000000);

INSERT INTO message_events (message_id, workspace_id, first_seq, events, created_at) VALUES
    ('msg_0199b0f3000070008000000000000007', 'ws_0199b0f3000070008000000000000001', 1, '[["message.started",{}]]', 1764000000000);
