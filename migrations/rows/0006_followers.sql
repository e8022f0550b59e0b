-- Rows as the program of migration 6 wrote them, for the tests of later migrations. Understood by both databases.

INSERT INTO followers (workspace_id, user_id, place, holder, taken_until) VALUES
    ('ws_0199b0f3000070008000000000000001', 'user_0199b0f3000070008000000000000002', 0,
        'msg_0199b0f3000070008000000000000011', 1764000665000);
