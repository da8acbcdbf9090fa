//! What a reply of the endpoint means. Errors come in three shapes: the REST envelope, a list of GraphQL errors, and pages
//! of HTML; the code inside decides, then the status.

use polite_http::{Class, Classify, Reading, Refusal, Reply, retry_after};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Kind of all answers of the feed in the store.
pub(crate) const FEED: &str = "feed";

/// "Too many requests": the quota is shared by everybody who uses the web app, and takes hours to recover.
const FEED_LIMIT: i64 = 1_675_004;
/// How long it is left alone then; five hours were seen to be enough.
pub(crate) const FEED_PAUSE: Duration = Duration::from_hours(5);

/// The root under `data` that a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// `fetch__User` with a feed.
    Activity,
    /// `user_by_username` with new sequences.
    NewSequences,
    /// `user_by_username`.
    User,
}

impl Root {
    fn key(self) -> &'static str {
        match self {
            Self::Activity => "fetch__User",
            Self::NewSequences | Self::User => "user_by_username",
        }
    }

    /// The value of an answer: `Some(Null)` where there is no such user, `None` where it is no answer.
    pub(crate) fn of(self, body: &[u8]) -> Option<Value> {
        let mut answer: Value = serde_json::from_slice(body).ok()?;
        let root = answer.get_mut("data")?.get_mut(self.key())?.take();
        let is_whole = match self {
            _ if root.is_null() => true,
            Self::Activity => root["feed"]["nodes"].is_array(),
            Self::NewSequences => root["new_sequences"].is_object() && root.get("id").is_some(),
            Self::User => root.get("id").is_some(),
        };
        is_whole.then_some(root)
    }
}

impl Classify for Root {
    fn classify(&self, reply: &Reply) -> Reading {
        let wait = reply.header("retry-after").and_then(|value| retry_after(value, SystemTime::now()));
        let answer = match serde_json::from_slice::<Value>(&reply.body) {
            Ok(answer) => answer,
            Err(error) if reply.status == 200 && error.is_eof() && !reply.body.is_empty() => {
                return Reading::new(Class::Transient).with_detail("an answer that was cut short");
            }
            Err(_) => return by_status(reply.status, wait).with_detail(beginning(reply)),
        };
        if let Some(error) = answer.get("error").filter(|error| error.is_object()) {
            return of_error(error, reply.status, wait);
        }
        let errors = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let telling = errors.iter().find(|error| code_of(error).is_some()).or(errors.first());
        match telling {
            // Part of an answer may come with errors about the rest; the part that was asked for decides.
            Some(error)
                if !(reply.status == 200
                    && answer["data"][self.key()].is_object()
                    && self.of(&reply.body).is_some()) =>
            {
                of_error(error, reply.status, wait)
            }
            _ if reply.status != 200 => by_status(reply.status, wait).with_detail(beginning(reply)),
            _ if self.of(&reply.body).is_some() => Reading::new(Class::Answer { kind: FEED }),
            _ => Reading::new(Class::Nonsense).with_detail(format!("an answer without {}", self.key())),
        }
    }
}

fn code_of(error: &Value) -> Option<i64> {
    let code = error.get("code").or_else(|| error.get("extensions")?.get("code"))?;
    code.as_i64().or_else(|| code.as_str()?.trim().parse().ok())
}

fn of_error(error: &Value, status: u16, wait: Option<Duration>) -> Reading {
    let message = error["message"].as_str().unwrap_or("no message");
    let asks_for_less = message.to_ascii_lowercase().contains("reduce the amount");
    let code = code_of(error);
    let class = match code {
        Some(FEED_LIMIT) => Class::Throttled { wait: Some(wait.map_or(FEED_PAUSE, |wait| wait.max(FEED_PAUSE))) },
        Some(1) => Class::TooMuch,
        _ if asks_for_less => Class::TooMuch,
        Some(-1 | 2) => Class::Transient,
        Some(4 | 17 | 32 | 341 | 613) => Class::Throttled { wait },
        Some(102 | 190) => Class::Refused(Refusal::Token),
        Some(368) => Class::Refused(Refusal::Blocked),
        Some(10 | 200..=299) => Class::Refused(Refusal::Permission),
        _ if status == 200 => Class::Refused(Refusal::Question), // the document is not known any more, or a field of it
        _ => by_status(status, wait).class,
    };
    let told: String = message.chars().take(200).collect();
    let code = code.map_or(String::new(), |code| format!(", code {code}"));
    Reading::new(class).with_detail(format!("HTTP {status}{code}: {told}"))
}

fn by_status(status: u16, wait: Option<Duration>) -> Reading {
    Reading::new(match status {
        429 | 300..=399 => Class::Throttled { wait },
        401 | 403 => Class::Refused(Refusal::Token),
        408 | 425 | 500..=599 => Class::Transient,
        400..=499 => Class::Refused(Refusal::Question),
        _ => Class::Nonsense,
    })
}

fn beginning(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(80)]);
    format!("HTTP {}, a body that begins with {:?}", reply.status, text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, root: Root, status: u16, body: &str, expected: &Class) {
        let reply = Reply { status, body: body.as_bytes().to_vec(), ..Reply::default() };
        assert_eq!(&root.classify(&reply).class, expected, "{case}");
    }

    #[test]
    fn replies_are_read_by_their_code_then_by_their_status() {
        let answer = Class::Answer { kind: FEED };
        let question = Class::Refused(Refusal::Question);
        let paused = Class::Throttled { wait: Some(FEED_PAUSE) };
        let feed =
            r#"{"data":{"fetch__User":{"id":"1","feed":{"page_info":{},"nodes":[]}}},"extensions":{"is_final":true}}"#;
        check("an empty page", Root::Activity, 200, feed, &answer);
        check("no such user", Root::User, 200, r#"{"data":{"user_by_username":null}}"#, &answer);
        check("another question's answer", Root::User, 200, feed, &Class::Nonsense);
        check("a feed without nodes", Root::Activity, 200, r#"{"data":{"fetch__User":{"id":"1"}}}"#, &Class::Nonsense);
        let less = r#"{"error":{"code":1,"message":"Please reduce the amount of data you're asking for"}}"#;
        check("less, please, in a 500", Root::Activity, 500, less, &Class::TooMuch);
        check("less, please, in a 200", Root::Activity, 200, less, &Class::TooMuch);
        let limit = r#"{"errors":[{"message":"Rate limit exceeded","code":1675004}]}"#;
        check("everybody's quota", Root::Activity, 200, limit, &paused);
        check("the same, code as text", Root::Activity, 400, &limit.replace("1675004", "\"1675004\""), &paused);
        check(
            "the same, inside extensions",
            Root::Activity,
            200,
            r#"{"errors":[{"message":"x","extensions":{"code":1675004}}]}"#,
            &paused,
        );
        check("an unknown document", Root::Activity, 200, r#"{"errors":[{"message":"Unknown query"}]}"#, &question);
        check(
            "an unknown document in a 400",
            Root::Activity,
            400,
            r#"{"errors":[{"message":"Unknown query"}]}"#,
            &question,
        );
        let with_data = r#"{"errors":[{"message":"thumb failed"}],"data":{"user_by_username":{"id":"1"}}}"#;
        check("the part that was asked for", Root::User, 200, with_data, &answer);
        let token = r#"{"error":{"code":190,"type":"OAuthException","message":"no"}}"#;
        check("a token that is not the web app's", Root::User, 401, token, &Class::Refused(Refusal::Token));
        check("no token, told as 500", Root::User, 500, token, &Class::Refused(Refusal::Token));
        check("blocked", Root::User, 400, r#"{"error":{"code":368,"message":"x"}}"#, &Class::Refused(Refusal::Blocked));
        check("a page", Root::User, 200, "<!DOCTYPE html>", &Class::Nonsense);
        check("a login page", Root::User, 302, "", &Class::Throttled { wait: None });
        check("a gateway", Root::User, 502, "<html>", &Class::Transient);
        check("nothing", Root::User, 200, "", &Class::Nonsense);
        check("cut", Root::Activity, 200, &feed[..60], &Class::Transient);
        check("JSON of another kind", Root::Activity, 200, "[1]", &Class::Nonsense);
    }
}
