-- The language model: what each organization has used of it, what it may use, and answers that may be given again.

-- One row for each organization and day (UTC) on which it asked something.
CREATE TABLE model_usage (
    organization_id uuid NOT NULL,
    day timestamptz NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    -- Answers that were given again, for which nobody was asked.
    cached bigint NOT NULL DEFAULT 0,
    prompt_tokens bigint NOT NULL DEFAULT 0,
    completion_tokens bigint NOT NULL DEFAULT 0,
    -- Estimates for questions under way. One whose worker died before it could book what was used stays: a budget errs
    -- on the safe side.
    set_aside_tokens bigint NOT NULL DEFAULT 0,
    -- How long the model was busy.
    microseconds bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, day)
) WITH (fillfactor = 50);
ALTER TABLE model_usage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON model_usage FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON model_usage TO collider_pipeline USING (true) WITH CHECK (true);
CREATE POLICY administration ON model_usage FOR SELECT TO collider_admin USING (true);
GRANT SELECT ON model_usage TO collider_gateway, collider_admin;
GRANT SELECT, INSERT, UPDATE ON model_usage TO collider_pipeline;

-- What an organization may use of a day. Without a row, and for members that are NULL, the installation's settings count.
CREATE TABLE model_budgets (
    organization_id uuid PRIMARY KEY REFERENCES organizations (id),
    tokens_per_day bigint CHECK (tokens_per_day >= 0),
    seconds_per_day bigint CHECK (seconds_per_day >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE model_budgets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON model_budgets FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON model_budgets FOR SELECT TO collider_pipeline USING (true);
CREATE POLICY administration ON model_budgets TO collider_admin USING (true) WITH CHECK (true);
GRANT SELECT ON model_budgets TO collider_gateway, collider_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON model_budgets TO collider_admin;

-- Answers of actions with `cache`, by a digest of all that was asked; an organization's own, and nobody else's.
CREATE TABLE model_answers (
    organization_id uuid NOT NULL,
    key bytea NOT NULL CHECK (octet_length(key) = 32),
    answer text NOT NULL,
    thinking text NOT NULL,
    is_json boolean NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX model_answers_expiry ON model_answers (expires_at);
ALTER TABLE model_answers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY work ON model_answers TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON model_answers TO collider_pipeline;
