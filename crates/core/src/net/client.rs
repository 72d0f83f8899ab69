//! The HTTP client: pooled connections, a user agent, and optional authentication.

use crate::error::{Error, Result};
use base64::prelude::{BASE64_STANDARD, Engine};
use std::fmt;
use std::time::Duration;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{HeaderValue, StatusCode};
use ureq::typestate::WithoutBody;
use ureq::{Agent, RequestBuilder};

/// Connection timeout. On a machine that reaches only package registries, other sources must fail quickly.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// Sends requests. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    /// Never shown: see [`fmt::Debug`] below.
    authorization: Option<HeaderValue>,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A client without authentication.
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .max_redirects(5)
            // The password is sent to the same host only, and never from https to http.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .user_agent(concat!("faceprobe/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: Agent::new_with_config(config), authorization: None }
    }

    /// A client with HTTP basic authentication (RFC 7617).
    ///
    /// # Errors
    /// A name with a colon or a control character, which the protocol cannot carry.
    pub fn with_password(mut self, user: &str, password: &str) -> Result<Self> {
        if user.contains(':') || user.chars().chain(password.chars()).any(char::is_control) {
            return Err(Error::usage("A user name with a colon, or a line break in name or password, cannot be sent."));
        }
        let mut value =
            HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
                .map_err(|_| Error::usage("The user name and password cannot be sent."))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// A GET request.
    pub(super) fn get(&self, url: &str) -> RequestBuilder<WithoutBody> {
        let request = self.agent.get(url).header("accept-encoding", "identity");
        match &self.authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    /// The meaning of an error status, as a phrase.
    pub fn refusal(&self, status: StatusCode) -> String {
        match (status, &self.authorization) {
            (StatusCode::UNAUTHORIZED, None) => format!("the server asks for a user name and password ({status})"),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_)) => {
                format!("the server does not accept this user name and password ({status})")
            }
            _ => format!("the server answers {status}"),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = if self.authorization.is_some() { "with a password" } else { "without a password" };
        write!(f, "Client({with})")
    }
}

/// Checks that `address` is an http or https URL without credentials, which would end up in messages and logs.
///
/// # Errors
/// Any other address. The sentence does not repeat one that has a password in it.
pub fn check_address(address: &str) -> Result<&str> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
        let shown: String = address.chars().filter(|c| !c.is_control()).take(200).collect();
        let shown = if shown.contains('@') { "this" } else { &format!("'{shown}'") };
        return Err(Error::usage(format!("{shown} is no address: it must begin with https:// or http://.")));
    };
    if rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@')) {
        return Err(Error::usage("Leave name and password out of the address, and give them apart from it."));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_has_the_password() {
        let client = Client::new().with_password("me", "s3cret").unwrap();
        assert_eq!(format!("{client:?}"), "Client(with a password)");
        for address in ["http://me:s3cret@host/x", "me:s3cret@host", "https:///", "ftp://host/", "http://"] {
            let sentence = check_address(address).unwrap_err().to_string();
            assert!(!sentence.contains("s3cret"), "{sentence}");
        }
        assert!(check_address("https://host/a@b").is_ok());
        assert!(Client::new().with_password("a:b", "c").is_err());
    }
}
