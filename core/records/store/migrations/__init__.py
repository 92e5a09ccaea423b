"""The schema's revisions. A released revision is never changed; a new one follows it."""
