//! What components see and clients get: the devhost with the fixtures, from outside.

mod chaining;
mod dependencies;
mod faults;
mod http;
mod instances;
mod mysql;
mod process;
mod storage;
mod strict;
mod support;
