//! Where PostgreSQL is, as the usual URL, and how its certificate is checked.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::model::secret::Secret;

/// How connections are made: encrypted when the address says so, and then always checked.
pub type Tls = MakeRustlsConnect;

/// An address, read. It is never shown: it may hold a password.
#[derive(Clone)]
pub struct Address {
    config: Config,
    authority: Option<PathBuf>,
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Address(***)")
    }
}

/// Why an address cannot be used; it is not repeated, as it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has another form.
    #[error("the database's address must be `postgresql://user:password@host:port/name?sslmode=require`: {0}")]
    Malformed(String),
    /// The file of the certificate authority cannot be used.
    #[error("the certificates in `{}` cannot be used: {why}", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// Why not.
        why: String,
    },
    /// It cannot be used for something else.
    #[error("the database's address cannot be used: {0}")]
    Unusable(String),
}

impl Address {
    /// Reads the URL. `sslmode=verify-ca` and `verify-full` mean `require` here, which checks the certificate and
    /// the name in it; `sslrootcert` names the authority's file, and else the system's authorities count.
    pub fn parse(url: &Secret) -> Result<Self, AddressError> {
        let text = url.expose();
        if !text.starts_with("postgresql://") && !text.starts_with("postgres://") {
            return Err(AddressError::Malformed("it has no such scheme".to_owned()));
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let mut authority = None;
        let mut kept = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (name.as_ref(), value.as_ref()) {
                ("sslrootcert", file) => authority = Some(PathBuf::from(file)),
                ("sslmode", "verify-ca" | "verify-full") => kept.push(("sslmode".to_owned(), "require".to_owned())),
                _ => kept.push((name.into_owned(), value.into_owned())),
            }
        }
        let mut rest = form_urlencoded::Serializer::new(String::new());
        rest.extend_pairs(kept);
        // The other side reads `%20` and not `+`.
        let rest = rest.finish().replace('+', "%20");
        let whole = Secret::new(if rest.is_empty() { place.to_owned() } else { format!("{place}?{rest}") });
        let mut config: Config = whole.expose().parse().map_err(|error: tokio_postgres::Error| {
            let source = std::error::Error::source(&error);
            AddressError::Malformed(source.map_or_else(|| "it cannot be read".to_owned(), |_| error.to_string()))
        })?;
        if config.get_hosts().is_empty() {
            return Err(AddressError::Malformed("it names no host".to_owned()));
        }
        config.application_name("ringfall");
        config.connect_timeout(Duration::from_secs(3));
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(10));
        Ok(Self { config, authority })
    }

    /// What connections are made with.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Whether connections must be encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    /// How they are encrypted.
    pub fn tls(&self) -> Result<Tls, AddressError> {
        let unusable = |error: rustls::Error| AddressError::Unusable(error.to_string());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(unusable)?;
        let config = match &self.authority {
            Some(_) => builder.with_root_certificates(self.authorities()?).with_no_client_auth(),
            // The system's authorities are read only where they are needed.
            None if self.config.get_ssl_mode() == SslMode::Disable => {
                builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
            None => builder.with_platform_verifier().map_err(unusable)?.with_no_client_auth(),
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn authorities(&self) -> Result<RootCertStore, AddressError> {
        let file = self.authority.clone().unwrap_or_default();
        let wrong = |why: String| AddressError::Authority { file: file.clone(), why };
        let found = CertificateDer::pem_file_iter(&file).map_err(|error| wrong(error.to_string()))?;
        let mut store = RootCertStore::empty();
        for certificate in found {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            store.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if store.is_empty() { Err(wrong("there are none in it".to_owned())) } else { Ok(store) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::parse(&Secret::new(text.to_owned()))
    }

    #[test]
    fn the_usual_urls_are_read() {
        let plain = parse("postgresql://ringfall:p%40ss@db.example.com:6432/phones").unwrap();
        assert_eq!(plain.config.get_ports(), [6432]);
        assert_eq!(plain.config.get_password(), Some(b"p@ss".as_slice()));
        assert!(!plain.is_encrypted());
        for mode in ["require", "verify-ca", "verify-full"] {
            assert!(parse(&format!("postgres://u@h/d?sslmode={mode}")).unwrap().is_encrypted(), "{mode}");
        }
        let own = parse("postgres://u@h/d?sslmode=verify-full&sslrootcert=/etc/own%20ca.pem&options=-c%20jit%3Doff");
        let own = own.unwrap();
        assert_eq!(own.authority.as_deref(), Some(std::path::Path::new("/etc/own ca.pem")));
        assert_eq!(own.config.get_options(), Some("-c jit=off"));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for text in [
            "hunter2secret",
            "mysql://u:hunter2secret@h/d",
            "postgres://u:hunter2secret@h:port/d",
            "postgres://u:hunter2secret@h/d?sslmode=hunter2secret",
            "postgres://u:hunter2secret@/d",
        ] {
            let told = parse(text).unwrap_err().to_string();
            assert!(!told.contains("hunter2secret"), "{told}");
        }
        assert_eq!(format!("{:?}", parse("postgres://u:hunter2secret@h/d").unwrap()), "Address(***)");
    }

    #[test]
    fn a_missing_authority_is_told_at_once() {
        let address = parse("postgres://u@h/d?sslmode=require&sslrootcert=/nonexistent.pem").unwrap();
        assert!(matches!(address.tls(), Err(AddressError::Authority { .. })));
    }
}
