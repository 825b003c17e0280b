"""How SQLite's word indexes are asked: FTS5 tables that triggers keep in step with ours."""

from __future__ import annotations

from marketplace_sdk_sql.words import Syntax

__all__ = ["SPELLINGS", "SYNTAX"]

SYNTAX = Syntax(whole='"{}"', begins='"{}" *', both=" AND ", either=" OR ", but_not=" NOT ")

SPELLINGS = """
SELECT known.word FROM search_spellings
CROSS JOIN search_word AS known ON known.number = search_spellings.rowid
WHERE search_spellings MATCH ? LIMIT ?
"""
"""Words that have one of several parts, each in quotes, with OR between."""
