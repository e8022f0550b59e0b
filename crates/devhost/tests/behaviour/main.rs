//! What components see and clients get: the devhost with the fixtures, from outside.

mod certificates;
mod chaining;
mod dependencies;
mod faults;
mod http;
mod instances;
mod mysql;
mod outbound;
mod process;
mod redis;
mod storage;
mod strict;
mod support;
