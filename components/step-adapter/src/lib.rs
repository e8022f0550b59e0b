//! Serves any component that exports `kowai:step/step` over HTTP, for service chaining.
//!
//! `GET /` gives the descriptor, `POST /` runs the step ([`step::Invocation`] in, [`step::Answer`] out). Its route is
//! private, it runs for other components alone, and which of them may chain to it is said in `spin.toml`.

#[cfg(any(target_family = "wasm", test))]
mod answer;
#[cfg(target_family = "wasm")]
mod serve;

#[cfg(test)]
mod tests;
