//! `cargo xtask token`: the local administrator, who is made up once and kept in `.kowai/administrator.json`.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf, time::Duration};

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
        let mut bytes = [0; 18];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let password = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let administrator = Self { email: "admin@kowai.local".into(), password };
        fs::create_dir_all(file.parent().context("the file has a folder")?)?;
        let mut handle = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
        handle.write_all(serde_json::to_string_pretty(&administrator)?.as_bytes())?;
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
