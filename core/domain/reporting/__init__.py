"""What is told afterwards: figures, alerts, the texts of mails and digests."""
