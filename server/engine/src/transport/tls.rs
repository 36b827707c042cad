//! An engine on a TCP port behind TLS, with the client's certificate where there is one.
//!
//! The folder is read for each connection, so that renewed certificates are taken up. Without a `ca.pem` the system's
//! certificate authorities count, as with Docker's contexts. Contexts that skip verification are refused when they
//! are read: whoever stands in between would have the engine, which is root on its host.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) async fn open(host: &str, port: u16, certificates: &Path) -> io::Result<TlsStream<TcpStream>> {
    let folder = certificates.to_owned();
    let config = tokio::task::spawn_blocking(move || client_config(&folder)).await??;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = super::tcp::open(host, port).await?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

fn client_config(folder: &Path) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots(&folder.join("ca.pem"))?);
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    if !certificate.exists() && !key.exists() {
        return Ok(builder.with_no_client_auth());
    }
    let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| unreadable(&key, &error))?;
    builder.with_client_auth_cert(chain(&certificate)?, key).map_err(io::Error::other)
}

fn roots(authority: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if authority.exists() {
        for certificate in chain(authority)? {
            roots.add(certificate).map_err(|error| unreadable(authority, &error))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(roots)
}

fn chain(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &dyn std::error::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display()))
}
