//! The port on real databases, and everything above the drivers on a driver that fails as it is told.

mod bench;
mod failures;
mod opening;
mod portable;
mod scripted;
mod transact;
