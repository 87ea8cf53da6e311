"""The vectors of sessions: one collection a session, the same whether it is in the database or in Qdrant."""
