"""Query policies: scorers over-ask, then a policy chooses the query on the driver."""
