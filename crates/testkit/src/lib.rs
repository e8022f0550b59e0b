//! What the scenarios stand on: a private MariaDB and a private Redis, the application on the devhost or on Spin, and clients
//! that behave well or badly. Nothing of it is ever part of the product.

#[cfg(feature = "application")]
mod application;
#[cfg(feature = "application")]
mod client;
#[cfg(feature = "application")]
mod manifest;
pub mod mariadb;
mod program;
#[cfg(feature = "application")]
pub mod provider;
pub mod redis;
#[cfg(feature = "application")]
mod reports;
#[cfg(feature = "application")]
mod sse;

#[cfg(feature = "application")]
pub use crate::{
    application::{Application, Database, Setup, host_is_devhost},
    client::{Answer, Client, PASSWORD, email, send},
    sse::{Event, EventStream},
};
