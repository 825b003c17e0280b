"""``marketplace demo``: the whole walkthrough, played on a real PostgreSQL and checked there.

``scenes`` is the part to read first: it is what an application would write.
"""
