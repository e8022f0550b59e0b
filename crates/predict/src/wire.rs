//! Requests and answers as providers want them on the wire. Sending them is somebody else's business.

pub mod openai;
