//! The scenarios, a file for each capability.
#![allow(missing_docs)]

mod auth;
mod background;
mod conversations;
mod durability;
mod faults;
mod fuzz;
mod health;
mod hostile;
mod llm;
mod providers;
mod readers;
mod step;
mod streams;
mod strict;
