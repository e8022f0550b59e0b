//! Serves any component that exports `kowai:step/step` over HTTP, for service chaining.
//!
//! `GET /` gives the descriptor, `POST /` runs the step ([`step::Call`] in, [`step::Answer`] out). It trusts its callers: its
//! route is private, and which component may chain to it is said in `spin.toml`.

#[cfg(any(target_family = "wasm", test))]
mod answer;
#[cfg(target_family = "wasm")]
mod serve;

#[cfg(test)]
mod tests;
