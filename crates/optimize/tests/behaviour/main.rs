//! What optimizers and evaluations do, seen from outside: with a model that works by rules, crashes and is counted.

#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod improvement;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod support;
