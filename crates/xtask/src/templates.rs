//! What `cargo xtask new` writes compiles, passes its own tests and answers: tried in a copy of the workspace.
//!
//! The copy keeps the times of its files and shares the folder of what is built, so that a second run compiles next to nothing.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use xshell::cmd;

use crate::{new, setup, token, workspace};

/// The name of the endpoint and the step that are written.
const NAME: &str = "sample-thing";

/// How long the endpoint may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes an endpoint and a step, tests and builds them, and asks the endpoint on `devhost`.
pub(crate) fn check(devhost: &Path) -> Result<()> {
    let target = workspace::target_folder()?;
    let copy = target.join("templates");
    copy_workspace(&copy)?;
    let manifest = fs::read_to_string(copy.join("spin.toml"))?;
    let (settings, _) = manifest.split_once("[[trigger.http]]").context("spin.toml has triggers")?;
    // A manifest without the other components, which need not be built for this.
    fs::write(copy.join("spin.toml"), settings)?;
    new::write_endpoint(&copy, NAME)?;
    new::write_step(&copy, NAME)?;

    let shell = workspace::shell()?;
    shell.change_dir(&copy);
    let _target = shell.push_env("CARGO_TARGET_DIR", &target);
    let written = [format!("{NAME}-component"), format!("step-{NAME}-component")];
    let packages: Vec<String> = written.iter().map(|name| format!("--package={name}")).collect();
    let packages = packages.as_slice();
    cmd!(shell, "cargo test --offline --quiet {packages...}").quiet().run()?;
    let wasm = setup::TARGET;
    cmd!(
        shell,
        "cargo build --offline --quiet --target {wasm} --profile component {packages...} --package=step-adapter-component"
    )
    .quiet()
    .run()?;
    std::os::unix::fs::symlink(&target, copy.join("target"))?;
    serve(devhost, &copy)
}

/// The files that git knows or would take, as they are and as old as they are.
fn copy_workspace(copy: &Path) -> Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy).with_context(|| copy.display().to_string())?;
    }
    let shell = workspace::shell()?;
    let listed = cmd!(shell, "git ls-files --cached --others --exclude-standard").quiet().read()?;
    for file in listed.lines().map(PathBuf::from) {
        let (from, to) = (workspace::root().join(&file), copy.join(&file));
        // One that was deleted and not committed yet.
        let Ok(metadata) = fs::metadata(&from) else { continue };
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        File::options().write(true).open(&to)?.set_modified(metadata.modified()?)?;
    }
    Ok(())
}

/// Serves the copy, and asks its endpoint who may call it.
fn serve(devhost: &Path, copy: &Path) -> Result<()> {
    let address = format!("127.0.0.1:{}", testkit::mariadb::free_port()?);
    let log = File::create(copy.join("host.log"))?;
    let mut server = Command::new(devhost)
        .current_dir(copy)
        .args(["up", "--from", "spin.toml", "--listen", &address, "--state-dir", "state"])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| devhost.display().to_string())?;
    let asked = ask(&mut server, &format!("http://{address}/v1/{NAME}"));
    server.kill()?;
    server.wait()?;
    asked.with_context(|| fs::read_to_string(copy.join("host.log")).unwrap_or_default())
}

fn ask(server: &mut Child, url: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        ensure!(server.try_wait()?.is_none(), "the host of the templates ended");
        if let Ok(mut answer) = token::agent().get(url).call() {
            let body = answer.body_mut().read_to_string()?;
            // Its guard is its own: nobody is signed in.
            ensure!(answer.status() == 401 && body.contains("unauthenticated"), "{} {body}", answer.status());
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            bail!("the endpoint of the template does not answer");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
