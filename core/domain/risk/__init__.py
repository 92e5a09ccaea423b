"""Rules about what an account may risk: eligibility, exposure, open positions."""
