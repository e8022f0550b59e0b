//! The time from starting the host to its first answer.

use std::time::Instant;

use anyhow::Result;
use testkit::{Application, Setup};

/// Starts the application without the compile cache and with it, and prints how long the first answer takes.
pub(crate) async fn run() -> Result<()> {
    let begun = Instant::now();
    drop(Application::start_with(Setup::default().arguments(&["--disable-cache"])).await?);
    println!("start to first answer without the compile cache: {:.2} s", begun.elapsed().as_secs_f64());
    drop(Application::start().await?);
    let begun = Instant::now();
    drop(Application::start().await?);
    println!("start to first answer with the compile cache: {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}
