"""What is reported afterwards: figures, alerts, the texts of mails and digests."""
