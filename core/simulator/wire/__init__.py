"""The simulated broker as a server: OAuth, REST, account alerts and the quote feed, on the local machine."""
