//! Unpredictable bytes.

/// A source of randomness that is fit for secrets.
pub trait Random: Send + Sync {
    /// Fills all of `buffer`.
    fn fill(&self, buffer: &mut [u8]);
}
