//! What optimizers and evaluations do, seen from outside: with a model that works by rules, crashes and is counted.

mod evaluation;
mod improvement;
mod limits;
mod resume;
mod support;
