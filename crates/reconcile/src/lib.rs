//! The order of things: scan, plan, gather, match, audit, report.
