"""Units of work: typed values in and out of one transaction, for services and delivery."""
