//! Engines that are not local: TLS with certificates of both sides, and ssh.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use crate::fake::{FakeEngine, json};
use crate::{Attempt, Endpoint, Engine, EngineError, EngineId, EngineRequest, resolve};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed(authority: &Authority) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Relays TLS connections with a certificate of `authority` to a socket; gives the port.
async fn serve_tls(authority: &Authority, socket: PathBuf) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = signed(authority);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, socket) = (acceptor.clone(), socket.clone());
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(stream).await else { return };
                let mut engine = UnixStream::connect(socket).await.unwrap();
                let _ends_with_either = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
            });
        }
    });
    port
}

fn write_certificates(folder: &Path, authority: &Authority, own: Option<&(rcgen::Certificate, KeyPair)>) {
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    if let Some((certificate, key)) = own {
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }
}

fn tls_request(port: u16, folder: &Path) -> EngineRequest {
    let environment = BTreeMap::from([
        ("DOCKER_HOST".to_owned(), format!("tcp://127.0.0.1:{port}")),
        ("DOCKER_TLS_VERIFY".to_owned(), "1".to_owned()),
        ("DOCKER_CERT_PATH".to_owned(), folder.to_str().unwrap().to_owned()),
    ]);
    EngineRequest { context: None, environment }
}

fn attempts(error: EngineError) -> Vec<Attempt> {
    match error {
        EngineError::Unavailable { tried } => tried,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn tls_wants_the_right_certificates_of_both_sides() {
    let fake = FakeEngine::start("1.51", |_| json(serde_json::json!([])));
    let (ours, other) = (authority(), authority());
    let port = serve_tls(&ours, fake.socket()).await;
    let folder = tempfile::tempdir().unwrap();

    write_certificates(folder.path(), &ours, None);
    let nobody = attempts(resolve(&tls_request(port, folder.path())).await.unwrap_err());
    assert_eq!(nobody.len(), 1);

    write_certificates(folder.path(), &ours, Some(&signed(&ours)));
    let endpoint = resolve(&tls_request(port, folder.path())).await.unwrap();
    assert_eq!(endpoint.id().as_str(), format!("tcp://127.0.0.1:{port}#tls={}", folder.path().display()));
    assert!(!endpoint.is_local());
    Engine::connect(endpoint).await.unwrap().list_images().await.unwrap();

    write_certificates(folder.path(), &other, Some(&signed(&ours)));
    let stranger = attempts(resolve(&tls_request(port, folder.path())).await.unwrap_err());
    assert!(stranger[0].why.contains("invalid peer certificate"), "{}", stranger[0].why);
}

#[tokio::test]
async fn what_ssh_says_is_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = folder.path().join("ssh");
    std::fs::write(&ssh, "#!/bin/sh\necho \"$GP_X: Permission denied (publickey). $*\" >&2\nexit 255\n")
        .unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let environment = BTreeMap::from([
        ("DOCKER_HOST".to_owned(), "ssh://me@host".to_owned()),
        ("PATH".to_owned(), format!("{}:/usr/bin:/bin", folder.path().display())),
        ("GP_X".to_owned(), "the client's environment".to_owned()),
    ]);
    let error = resolve(&EngineRequest { context: None, environment }).await.unwrap_err();
    let tried = attempts(error);
    assert_eq!(tried[0].what, "ssh://me@host");
    let says = "the client's environment: Permission denied (publickey). -o BatchMode=yes";
    assert!(tried[0].why.contains(says), "{}", tried[0].why);
}

#[tokio::test]
async fn ssh_gets_the_environment_of_the_client_that_was_here_last() {
    let folder = tempfile::tempdir().unwrap();
    let ssh = folder.path().join("ssh");
    std::fs::write(&ssh, "#!/bin/sh\necho \"no key in $SSH_AUTH_SOCK\" >&2\nexit 255\n").unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let endpoint = |agent: &str| {
        let environment = BTreeMap::from([
            ("PATH".to_owned(), format!("{}:/usr/bin:/bin", folder.path().display())),
            ("SSH_AUTH_SOCK".to_owned(), agent.to_owned()),
        ]);
        Endpoint::from_id(&EngineId::new("ssh://me@host"), &environment).unwrap()
    };
    let engine = Engine::new(endpoint("/the/first")).unwrap();
    let says = |error: EngineError| attempts(error).remove(0).why;
    assert!(says(engine.ping().await.unwrap_err()).contains("no key in /the/first"));
    engine.refresh(&endpoint("/the/second"));
    assert!(says(engine.clone().ping().await.unwrap_err()).contains("no key in /the/second"));
}
