-- A message that is too long for its receiver goes in parts. How many have arrived is noted after each, so that an attempt
-- goes on where the one before it stopped.
ALTER TABLE deliveries ADD COLUMN parts_sent smallint NOT NULL DEFAULT 0 CHECK (parts_sent >= 0);
