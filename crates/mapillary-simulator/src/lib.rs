//! A loopback Mapillary over a synthetic city or a file of entities: faults on demand, and a log of what was asked.
//!
//! Routes, ids, auth and errors follow what is known of the service. Start at [`start`]. What a request is answered is a
//! pure function of the entities ([`World`]); sockets and faults lie around it.

mod entities;
mod faults;
mod feed;
mod habits;
mod reply;
mod request;
mod routes;
mod server;
mod stored;
mod world;

pub use entities::{EntitiesFileError, entities_of, read_entities_file};
pub use faults::{Fault, Faults, InvalidFaults};
pub use feed::Feeds;
pub use request::RequestRecord;
pub use server::{Simulator, SimulatorError, SimulatorSettings, start, start_world};
pub use world::World;
