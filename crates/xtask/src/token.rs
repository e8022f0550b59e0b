//! `cargo xtask token`: the local administrator, who is made up once and kept in `.kowai/administrator.json`.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the server is.
    #[arg(default_value = "http://127.0.0.1:3000", env = "KOWAI")]
    base: String,
}

/// The account that a server started by `cargo xtask up` has from its beginning.
#[derive(Serialize, Deserialize)]
pub(crate) struct Administrator {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct SignedIn {
    access_token: String,
}

/// Signs the administrator in and prints the token.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    println!("{}", Administrator::load_or_create()?.sign_in(&arguments.base)?);
    Ok(())
}

impl Administrator {
    /// The administrator of this working copy; the password is random and readable by its owner alone.
    pub(crate) fn load_or_create() -> Result<Self> {
        let file = file();
        if let Ok(text) = fs::read_to_string(&file) {
            return serde_json::from_str(&text).with_context(|| format!("{} is damaged: delete it", file.display()));
        }
        let administrator = Self { email: "admin@kowai.local".into(), password: random::<18>()? };
        write_secretly(&file, &serde_json::to_string_pretty(&administrator)?)?;
        Ok(administrator)
    }

    /// What makes the server create the account.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 2] {
        [
            ("SPIN_VARIABLE_BOOTSTRAP_ADMIN_EMAIL", self.email.as_str()),
            ("SPIN_VARIABLE_BOOTSTRAP_ADMIN_PASSWORD", self.password.as_str()),
        ]
    }

    /// An access token from the server at `base`.
    pub(crate) fn sign_in(&self, base: &str) -> Result<String> {
        let mut response = agent().post(format!("{base}/v1/auth/login")).send_json(self)?;
        ensure!(response.status() == 200, "signing in failed: {}", response.body_mut().read_to_string()?);
        Ok(response.body_mut().read_json::<SignedIn>()?.access_token)
    }
}

/// What signs tokens where MariaDB is used and the settings do not say: made up once and kept in `.kowai/auth_secret`.
pub(crate) fn auth_secret() -> Result<Option<(&'static str, String)>> {
    let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    if !is_set("SPIN_VARIABLE_DATABASE_URL") || is_set(AUTH_SECRET) {
        return Ok(None);
    }
    let file = workspace::root().join(".kowai/auth_secret");
    if let Ok(secret) = fs::read_to_string(&file) {
        return Ok(Some((AUTH_SECRET, secret)));
    }
    let secret = random::<32>()?;
    write_secretly(&file, &secret)?;
    Ok(Some((AUTH_SECRET, secret)))
}

const AUTH_SECRET: &str = "SPIN_VARIABLE_AUTH_SECRET";

/// So many random bytes, as hexadecimal digits.
fn random<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a new file that its owner alone may read.
fn write_secretly(file: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(file.parent().context("the file has a folder")?)?;
    let mut handle = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    handle.write_all(text.as_bytes())?;
    Ok(())
}

/// Who may open an account at the server at `base`, in a sentence.
pub(crate) fn registration(base: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Rule {
        registration: String,
        because: String,
    }
    let mut response = agent().get(format!("{base}/v1/auth/registration")).call()?;
    let Rule { registration, because } = response.body_mut().read_json()?;
    let who = match registration.as_str() {
        "open" => "Everybody who reaches this address may open an account",
        "invite" => "Who is invited may open an account",
        _ => "Nobody may open an account but the administrator",
    };
    Ok(format!("{who}: {because}."))
}

/// A client that treats every status as an answer.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

fn file() -> PathBuf {
    workspace::root().join(".kowai/administrator.json")
}
