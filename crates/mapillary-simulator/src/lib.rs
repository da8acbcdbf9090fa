//! A loopback Mapillary over a synthetic city or a file of entities: faults on demand, a request log.
