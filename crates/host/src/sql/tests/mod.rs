//! The port on real databases, and everything above the drivers on a driver that fails as it is told.

mod failures;
mod portable;
mod scripted;
