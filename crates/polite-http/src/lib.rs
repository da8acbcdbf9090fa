//! One HTTP client: pace per quota, retry, coalescing, redaction, a slot for a store; it knows nothing of the service.
