"""To be said in one sentence: what core/simulator/in_process is for."""
