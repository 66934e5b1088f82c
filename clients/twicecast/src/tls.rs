//! The certificates that a secure connection trusts, and what to tell the user if it does not.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig};
use twicecast_client::connection::{system_roots, tls_trusting};

use crate::failure::Failure;
use crate::fs::named_file;
use twicecast_client::untrusted::shown;

static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();

/// Trusts the certificates in a PEM file, in addition to those of the system. It must be called
/// before the first connection.
///
/// # Errors
///
/// A sentence, if the file cannot be read or contains no certificate.
pub fn trust(file: &Path) -> Result<(), Failure> {
    let unusable = |why: &str| {
        let file = shown(&file.to_string_lossy());
        Failure::usage(format!(
            "--ca {file}: {why}. Give a file with certificates in PEM form (-----BEGIN \
             CERTIFICATE-----)."
        ))
    };
    let pem = named_file::read(file, |_| Ok(()));
    let pem = pem.map_err(|error| unusable(&shown(&error.to_string())))?;
    let certificates = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(&shown(&error.to_string())))?;
    let mut roots = system_roots();
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(unusable("it holds no certificate"));
    }
    let _ = CONFIG.set(tls_trusting(roots));
    Ok(())
}

/// The configuration of secure connections.
pub fn config() -> Arc<ClientConfig> {
    Arc::clone(CONFIG.get_or_init(|| tls_trusting(system_roots())))
}

/// Why a secure connection failed, and what to do.
pub fn sentence(url: &str, error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let why = match inner {
        Some(rustls::Error::InvalidCertificate(fault)) => certificate_fault(fault).to_owned(),
        Some(rustls::Error::InvalidMessage(_)) => "what answers speaks no TLS. Without TLS the \
            address starts with ws://."
            .to_owned(),
        Some(other) => format!("{}. Ask the server's operator.", shown(&other.to_string())),
        None => format!(
            "{}. Does the server, or the proxy before it, speak TLS? Without TLS the address \
             starts with ws://.",
            shown(&error.to_string())
        ),
    };
    format!("No secure connection to {url}: {why}")
}

fn certificate_fault(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::UnknownIssuer => {
            "nobody that this system trusts has signed the server's certificate (it may be \
             self-signed). If you trust it, give it, or its authority's, with --ca FILE."
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired. Its operator must renew it, or this machine's \
             clock is wrong."
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet. Is this machine's clock right?"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another host. Use the host's name that it was made \
             for in --url."
        }
        CertificateError::Revoked => {
            "the server's certificate has been revoked. Ask its operator for a new one."
        }
        CertificateError::Other(_) => {
            "the server's certificate is not one for a server; a self-signed one must not be an \
             authority's (CA:FALSE). Ask its operator for another."
        }
        _ => "the server's certificate cannot be used. Ask its operator for another.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::UnixTime;

    #[test]
    fn each_fault_of_a_certificate_has_a_sentence_that_says_what_to_do() {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        let table = [
            (CertificateError::UnknownIssuer, "--ca FILE"),
            (CertificateError::Expired, "has expired"),
            (
                CertificateError::ExpiredContext {
                    time,
                    not_after: time,
                },
                "has expired",
            ),
            (CertificateError::NotValidYet, "clock"),
            (CertificateError::NotValidForName, "another host"),
            (CertificateError::Revoked, "revoked"),
            (CertificateError::BadEncoding, "cannot be used"),
        ];
        for (fault, expected) in table {
            let error = rustls::Error::InvalidCertificate(fault.clone());
            let text = sentence("wss://h", &std::io::Error::other(error));
            assert!(
                text.contains(expected) && text.ends_with(['.', '?']),
                "{text}"
            );
            assert!(!text.contains(&format!("{fault:?}")), "{text}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().join("empty.pem");
        std::fs::write(&empty, "no certificate\n").unwrap();
        for file in [empty, dir.path().join("missing.pem")] {
            let failure = trust(&file).unwrap_err();
            assert_eq!(failure.exit_code(), 2);
            assert!(failure.to_string().contains("PEM"), "{failure}");
        }
    }
}
