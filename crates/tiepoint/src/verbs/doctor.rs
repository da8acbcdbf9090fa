//! `tiepoint doctor`: whether a run would work: the cache, the addresses, and the token, with at most one request.

use crate::arguments::Shared;
use crate::exit;
use crate::output::print;
use anyhow::Result;
use clap::Args;
use mapillary_api::{Api, ApiError, ApiSettings, ErrorKind};
use polite_http::{FetchError, RetryPolicy, Secret};
use response_store::ResponseStore;
use std::sync::Arc;

const DASHBOARD: &str = "https://www.mapillary.com/dashboard/developers";

/// Checks the cache, the addresses and the token, with at most one request
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint doctor                               with the token of the environment
  tiepoint doctor --token-file token.txt         with the token of a file
  tiepoint doctor --offline                      without any request

Ends with 0 when a run would work, else with the code that the run would end with, and says what to do.")]
pub(crate) struct Doctor {}

impl Doctor {
    #[expect(clippy::unused_self, reason = "a verb runs as all verbs do")]
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        let folder = shared.network.cache_dir()?;
        let store = ResponseStore::open(&folder)?;
        print(&format!("cache   {} is usable\n", store.path().display()))?;
        let settings = ApiSettings { retry: Some(RetryPolicy::once()), ..shared.network.api_settings()? };
        print(&format!("graph   {}\ntiles   {}\n", settings.graph_url, settings.tiles_url))?;
        if settings.offline {
            print("token   not tried (--offline)\n")?;
            return Ok(0);
        }
        let looks = settings.token.as_ref().map_or(Looks::Strange, looks);
        let is_real_service = settings.graph_url == ApiSettings::default().graph_url;
        let api = Api::new(settings, Some(Arc::new(store)))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        match runtime.block_on(api.try_token()) {
            // The real service knows the sequence that is asked for; to the client secret it shows nothing.
            Ok(0) if is_real_service || looks == Looks::Secret => Err(exit::error(14, sees_nothing(looks))),
            Ok(_) => {
                print("token   works\n")?;
                Ok(0)
            }
            Err(error) => {
                let advice = advice(&error, looks);
                Err(if advice.is_empty() { error.into() } else { anyhow::Error::new(error).context(advice) })
            }
        }
    }
}

/// What a token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// `MLY|digits|32 hexadecimal digits`.
    ClientToken,
    /// 32 hexadecimal digits alone: the client secret, from the same page.
    Secret,
    /// The beginning of a client token.
    Cut,
    /// Anything else, such as the token of a user.
    Strange,
}

fn looks(token: &Secret) -> Looks {
    let parts: Vec<&str> = token.expose().split('|').collect();
    let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match parts.as_slice() {
        ["MLY", app, secret] if is_hex(secret) && app.bytes().all(|byte| byte.is_ascii_digit()) => Looks::ClientToken,
        ["MLY", ..] => Looks::Cut,
        [secret] if is_hex(secret) => Looks::Secret,
        _ => Looks::Strange,
    }
}

fn sees_nothing(looks: Looks) -> String {
    let why = if looks == Looks::ClientToken {
        "its application may lack the permission to read"
    } else {
        "it looks like the client secret, which the service accepts in silence"
    };
    format!(
        "the token is accepted but sees nothing: {why}; copy the client token (it begins with MLY|) from {DASHBOARD}"
    )
}

/// What to do, where the error alone does not say it; empty where it does.
fn advice(error: &ApiError, looks: Looks) -> String {
    match (error.kind(), looks) {
        (ErrorKind::TokenRefused, Looks::Secret) => format!(
            "this is 32 hexadecimal digits, as the client secret is: copy the client token (it begins with MLY|) from {DASHBOARD}"
        ),
        (ErrorKind::TokenRefused, Looks::Cut) => format!(
            "the token begins as one but is not whole (MLY|digits|32 hexadecimal digits): quote it in the shell, because of the |, and \
             copy it again from {DASHBOARD}"
        ),
        (ErrorKind::TokenRefused, _) if matches!(error, ApiError::NotPermitted { .. }) => {
            format!("the token is known but lacks the permission to read: grant `read` to its application at {DASHBOARD}")
        }
        (ErrorKind::Quota, _) if matches!(error, ApiError::Fetch(FetchError::Throttled { .. })) => {
            "nothing is wrong with the token: the service asks for fewer requests from this application or address; wait, then \
             try again, and run with a smaller --tile-rate"
                .to_owned()
        }
        (ErrorKind::Connection, _) => {
            "the service cannot be reached, so nothing is known about the token: check the connection, and HTTPS_PROXY where a \
             proxy is needed"
                .to_owned()
        }
        (ErrorKind::NoSense, _) => {
            "something that is not the service answered: check --graph-url, TIEPOINT_GRAPH_URL and whatever stands between (a proxy, \
             the login page of a network)"
                .to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_by_their_looks() {
        for (token, expected) in [
            ("MLY|4223665974375089|0123456789abcdef0123456789abcdef", Looks::ClientToken),
            ("0123456789abcdef0123456789ABCDEF", Looks::Secret),
            ("MLY|4223665974375089", Looks::Cut),
            ("MLY|4223665974375089|0123", Looks::Cut),
            ("EAAGm0PX4ZCpsBA", Looks::Strange),
            ("", Looks::Strange),
        ] {
            assert_eq!(looks(&Secret::new(token)), expected, "{token}");
        }
    }
}
