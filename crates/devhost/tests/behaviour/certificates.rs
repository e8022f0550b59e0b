//! Certificates of the tests' own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// Somebody who issues certificates, in a folder with `root.pem` and what was issued.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "An authority of the tests");
        let key = KeyPair::generate()?;
        fs::write(folder.path().join("root.pem"), parameters.self_signed(&key)?.pem())?;
        Ok(Self { folder, issuer: Issuer::new(parameters, key) })
    }

    /// The folder of all files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The certificate that a client has to trust.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder().join("root.pem")
    }

    /// Issues a certificate for 127.0.0.1 and says where it and its key are: `<name>.pem` and `<name>.key`.
    pub(crate) fn issue(&self, name: &str) -> Result<(PathBuf, PathBuf)> {
        let mut parameters = CertificateParams::new(["127.0.0.1".to_owned()])?;
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let (certificate_file, key_file) =
            (self.folder().join(name).with_extension("pem"), self.folder().join(name).with_extension("key"));
        fs::write(&certificate_file, parameters.signed_by(&key, &self.issuer)?.pem())?;
        fs::write(&key_file, key.serialize_pem())?;
        Ok((certificate_file, key_file))
    }
}
