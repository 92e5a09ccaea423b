"""Reports on what has happened: figures, alerts, the texts of mails and digests."""
