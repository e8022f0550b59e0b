//! The sign-in endpoints.
