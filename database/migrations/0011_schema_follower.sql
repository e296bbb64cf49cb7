-- Schemas are learned by a follower of their own, `schemas`, instead of in the evaluation's transaction. It goes on
-- where the evaluation is, which has learned everything up to there.
INSERT INTO follower_positions (follower, part, position)
SELECT 'schemas', part, position FROM follower_positions WHERE follower = 'event-processor';
