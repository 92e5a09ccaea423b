"""A simulated market and a simulated broker. Only the demo, the tests and the simulations build them."""
