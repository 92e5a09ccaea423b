"""Rules about a trident: expiration, strikes, pricing, entry price, payoff."""
