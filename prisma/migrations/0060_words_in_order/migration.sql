-- Search by order and by parts: from here on the words of an event are stored in the order of its texts, with an empty word
-- before each text, the first one too. Events that are there keep their words, and are searched by whole words.
-- Locks the log for a moment, until no statement reads it, and looks at no row. Instances of an older version cannot append
-- any more: stop them first.

-- So every event from a position on has words of this form, whatever instance recorded it.
ALTER TABLE audit_events ADD CONSTRAINT audit_events_words_need_version_0060
  CHECK (coalesce(search_words[1] = '', false)) NOT VALID;
