//! What adapters promise for every type and for every text: what they write they read back, and no completion, however
//! hostile, makes them panic or work for longer than its length deserves.

mod hostile;
mod reported;
mod round_trip;
mod typed_values;
