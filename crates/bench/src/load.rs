//! wrk, which costs the machine less than any load generator of our own would.

use std::{
    fmt::Write,
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    process::Usage,
    world::{Target, World},
};

/// What a run of load showed.
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) failed: u64,
    pub(crate) cpu_us_per_request: f64,
    pub(crate) rss_mb: f64,
}

/// Installs wrk where it is missing and can be.
pub(crate) fn ensure_installed() -> Result<()> {
    let is_there = || Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if is_there() {
        return Ok(());
    }
    eprintln!("wrk is missing; installing it with apt-get");
    let install = "apt-get update -qq && apt-get install -qq -y --no-install-recommends wrk";
    let _ = Command::new("sh").args(["-c", install]).stdout(Stdio::null()).status();
    ensure!(is_there(), "wrk is needed and could not be installed: install the package wrk");
    Ok(())
}

/// Asks `target` over and over for `seconds`.
pub(crate) fn run(world: &World, target: &Target, connections: u32, seconds: u64) -> Result<Figures> {
    let folder = std::env::temp_dir().join(format!("kowai-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let script = folder.join("load.lua");
    fs::write(&script, lua(world, target)?)?;
    let pid = world.application.pid().context("the application runs")?;
    let before = Usage::of_group(pid)?;
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", &connections.to_string(), "--timeout", "20s"])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(&script)
        .arg(format!("{}{}", world.application.base(), target.path))
        .output()?;
    let after = Usage::of_group(pid)?;
    fs::remove_dir_all(&folder)?;
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    read(&String::from_utf8_lossy(&output.stdout), after.cpu - before.cpu, after.rss_bytes)
}

/// The script of wrk: the token, the body, the conversations in turn, and one line of figures in the end.
fn lua(world: &World, target: &Target) -> Result<String> {
    let token = world.client.token().context("somebody is signed in")?;
    let mut script = format!("wrk.headers['authorization'] = 'Bearer {token}'\n");
    if let Some(body) = &target.body {
        script.push_str("local paths = {\n");
        for conversation in &world.conversations {
            let _ = writeln!(script, "'{conversation}',");
        }
        let _ = write!(
            script,
            "}}\nlocal n = 0\nwrk.headers['content-type'] = 'application/json'\n\
             request = function() n = n % #paths + 1; return wrk.format('POST', paths[n], nil, [[{body}]]) end\n"
        );
    }
    script.push_str(
        "done = function(summary, latency)\n\
         local e = summary.errors\n\
         io.write(string.format('FIGURES %d %d %d %d %d\\n', summary.requests, summary.duration, latency:percentile(50), \
         latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))\nend\n",
    );
    Ok(script)
}

fn read(output: &str, cpu: Duration, rss_bytes: u64) -> Result<Figures> {
    let line = output.lines().find_map(|line| line.strip_prefix("FIGURES ")).with_context(|| output.to_owned())?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, micros, p50, p99, failed] = numbers[..] else { anyhow::bail!("wrk said {line}") };
    ensure!(requests > 0.0, "nothing was answered: {output}");
    Ok(Figures {
        requests: requests as u64,
        per_second: requests / (micros / 1e6),
        p50_ms: p50 / 1e3,
        p99_ms: p99 / 1e3,
        failed: failed as u64,
        cpu_us_per_request: cpu.as_secs_f64() * 1e6 / requests,
        rss_mb: rss_bytes as f64 / 1e6,
    })
}
