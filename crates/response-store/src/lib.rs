//! Durable answers in SQLite behind the store trait of polite-http: freshness per kind, offline replay, daily quotas.
