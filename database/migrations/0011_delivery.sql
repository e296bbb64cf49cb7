ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check CHECK (kind IN ('rest', 'telegram', 'llm', 'mcp', 'slack', 'email'));
