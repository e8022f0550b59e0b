//! What modules do through the public door: calls, corrections, caches, cancellation, attempts, agents, streams, files.

mod agents;
mod attempts;
mod calls;
mod files;
mod frozen;
mod streams;
mod support;
