-- SPDX-License-Identifier: Apache-2.0
-- What matches a pattern, for all who have one. Every word ends in a dot, so that ** can stand for no word at all.
-- { and } stand for ** and * meanwhile, which otherwise would be replaced again; no pattern contains them.
CREATE OR REPLACE FUNCTION outbox.pattern_regex(pattern text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '^' || replace(replace(replace(replace(replace(pattern || '.',
        '**.', '{'), '*.', '}'), '.', '[.]'), '{', '([^.]+[.])*'), '}', '[^.]+[.]') || '$'
$$;

COMMENT ON FUNCTION outbox.pattern_regex(text) IS
    'A pattern of event types as a regular expression, which matches an event type with a dot appended.';

REVOKE EXECUTE ON FUNCTION outbox.pattern_regex(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.pattern_regex(text) TO outbox_relay, outbox_reader;
