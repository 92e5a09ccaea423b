"""Live market data: the feed, the quote store, the exchange calendar, the study of an underlying."""
