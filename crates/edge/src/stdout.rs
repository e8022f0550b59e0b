//! Standard output of an instance, line by line.

/// Writes `line`, which ends with its line break.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_line(line: &[u8]) {
    by_std(line);
}

/// Writes `line`, which ends with its line break, with one call of the host where the standard library makes a dozen: every
/// request writes a line.
///
/// A line that is too long for that goes the standard library's way. That it got out at all is not checked: whom should one
/// tell?
#[cfg(target_family = "wasm")]
pub(crate) fn write_line(line: &[u8]) {
    use wasip2::cli::stdout::{OutputStream, get_stdout};

    /// The most that one call takes (`wasi:io/streams`).
    const ATOMIC_BYTES: usize = 4096;

    thread_local! {
        static STDOUT: OutputStream = get_stdout();
    }

    let is_out = line.len() <= ATOMIC_BYTES && STDOUT.with(|stdout| stdout.blocking_write_and_flush(line).is_ok());
    if !is_out {
        by_std(line);
    }
}

fn by_std(line: &[u8]) {
    // Where nobody reads there is nobody to tell.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), line);
}
