"""What annotation costs: estimated and true clicks, the oracle, labelled regions."""
