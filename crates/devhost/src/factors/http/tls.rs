//! Whom a TLS connection trusts, and which certificate it shows (`docs/spin.md#outbound-http`).

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};

use crate::runtime_config::ClientTls;

/// What holds where the runtime configuration says nothing: the system's roots and Mozilla's, and no certificate to show.
pub(super) fn default() -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    add_platform(&mut roots);
    add_mozilla(&mut roots);
    config(roots, None)
}

/// What one `[[client_tls]]` says.
pub(super) fn configured(tls: &ClientTls) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    if tls.trusts_platform() {
        add_platform(&mut roots);
    }
    if tls.trusts_mozilla() {
        add_mozilla(&mut roots);
    }
    if let Some(file) = &tls.ca_roots_file {
        for certificate in certificates(file)? {
            roots.add(certificate).with_context(|| format!("{} holds no root certificate", file.display()))?;
        }
    }
    ensure!(
        tls.trusts_platform() || !roots.is_empty(),
        "a [[client_tls]] needs one of ca_use_platform_roots, ca_use_webpki_roots and ca_roots_file"
    );
    let identity = match (&tls.client_cert_file, &tls.client_private_key_file) {
        (Some(chain), Some(key)) => Some((certificates(chain)?, private_key(key)?)),
        _ => None,
    };
    config(roots, identity)
}

fn add_platform(roots: &mut RootCertStore) {
    // As in Spin a certificate that cannot be read is not trusted, and the others are.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
}

fn add_mozilla(roots: &mut RootCertStore) {
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .with_context(|| format!("failed to load certificate(s) from {}", file.display()))
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file).with_context(|| format!("failed to load key from {}", file.display()))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn config(roots: RootCertStore, identity: Option<Identity>) -> Result<Arc<ClientConfig>> {
    // Said, because a default exists only as long as no other crate brings a second provider.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    let mut config = match identity {
        Some((chain, key)) => config.with_client_auth_cert(chain, key)?,
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
