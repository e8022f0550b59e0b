//! Standard output of an instance, line by line.

/// Writes `line` and a line break.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_line(line: &str) {
    println!("{line}");
}

/// Writes `line` and a line break, with two calls of the host where the standard library makes a dozen: every request
/// writes a line, and its way out would cost more than all else that the request goes through.
///
/// A line that the host does not take at once goes the standard library's way, which waits. That it got out at all is not
/// checked: whom should one tell?
#[cfg(target_family = "wasm")]
pub(crate) fn write_line(line: &str) {
    use wasip2::cli::stdout::{OutputStream, get_stdout};

    thread_local! {
        static STDOUT: OutputStream = get_stdout();
    }

    let mut bytes = Vec::with_capacity(line.len() + 1);
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    let is_out = STDOUT.with(|stdout| {
        let room = stdout.check_write().unwrap_or(0);
        room >= bytes.len() as u64 && stdout.write(&bytes).is_ok()
    });
    if !is_out {
        println!("{line}");
    }
}
