//! Who: the owner of a user token, and whether a name is anybody's.

use crate::api::{Api, below};
use crate::entity::FIELDS;
use crate::loose::Scalar;
use crate::page::{Collector, read_document};
use crate::reading::{About, GraphList, USER_PAGE, failure};
use crate::settings::{ENTITIES, SEARCHES};
use crate::{ApiError, ErrorKind};
use capture_model::PublishedImage;
use polite_http::{Class, Classify, Reading, Reply, StoreUse};
use serde::Deserialize;

/// A contributor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Numeric id.
    pub id: u64,
    /// User name.
    pub username: String,
}

#[derive(Deserialize)]
struct UserFields {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    username: Scalar,
}

fn user_of(body: &[u8]) -> Option<User> {
    let fields: UserFields = serde_json::from_slice(body).ok()?;
    Some(User { id: fields.id.id()?, username: fields.username.text()? })
}

/// Reads a reply that should be one user.
struct UserReply;

impl Classify for UserReply {
    fn classify(&self, reply: &Reply) -> Reading {
        match user_of(&reply.body) {
            Some(_) if reply.status == 200 => Reading::new(Class::Answer { kind: "user" }),
            _ => failure(reply),
        }
    }
}

impl Api {
    /// The owner of the token (`/me`); `None` for a client token, which has none. Never taken from the store, where
    /// another token's answer might lie.
    pub async fn me(&self) -> Result<Option<User>, ApiError> {
        let mut url = below(&self.0.settings.graph_url, ["me"]);
        url.query_pairs_mut().append_pair("fields", "id,username");
        let mut request = self.graph("me", ENTITIES, url, false);
        request.store_use = StoreUse::Bypass;
        match self.0.client.fetch(&request, &UserReply).await.map_err(ApiError::from) {
            Ok(answer) => Ok(user_of(&answer.body)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Refused) => Ok(None),
            Err(ApiError::NotPermitted { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One image of a user, the newest as far as is known; `None` when nobody of that name has published anything: the
    /// documented API cannot tell a new user from an unknown name.
    pub async fn an_image_of_user(&self, user: &str) -> Result<Option<PublishedImage>, ApiError> {
        let mut url = below(&self.0.settings.graph_url, ["images"]);
        url.query_pairs_mut()
            .append_pair("creator_username", user)
            .append_pair("limit", "1")
            .append_pair("fields", FIELDS);
        let request = self.graph("images_by_user", SEARCHES, url, false);
        let answer = self.0.client.fetch(&request, &GraphList { kind: USER_PAGE, about: About::Anything }).await?;
        let mut collector = Collector::of_answer();
        let _ = read_document(&answer.body, &mut collector); // it was read once already, to be accepted
        Ok(collector.images.into_iter().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_an_id_and_a_name_and_anything_else_is_a_failure() {
        let anna = Some(User { id: 7, username: "anna".to_owned() });
        assert_eq!(user_of(br#"{"username":"anna","id":"7","more":[1]}"#), anna);
        assert_eq!(user_of(br#"{"id":"7"}"#), None);
        let reply = |status, body: &str| Reply { status, body: body.as_bytes().to_vec(), ..Reply::default() };
        let class = |status, body| UserReply.classify(&reply(status, body)).class;
        assert_eq!(class(200, r#"{"id":7,"username":"anna"}"#), Class::Answer { kind: "user" });
        assert_eq!(
            class(400, r#"{"error":{"code":100,"error_subcode":33,"message":"no"}}"#),
            Class::Refused(polite_http::Refusal::Gone)
        );
    }
}
