//! What each request is answered: routes, auth and errors as they are known of the service.

use crate::reply::Reply;
use crate::world::{Places, World, project, time_of};
use serde_json::{Value, json};
use tile_cover::Tile;
use url::Url;

const MOST_PER_PAGE: usize = 2_000;
const LARGEST_BOX_DEG: f64 = 0.01;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, against an arbitrary host.
    pub(crate) url: Url,
    pub(crate) authorization: Option<String>,
}

impl Request {
    fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Which part of the service is asked: the word of the log and of a fault's target.
    pub(crate) fn endpoint(&self) -> &'static str {
        match self.url.path() {
            path if path.starts_with("/maps/vtp/") => "tiles",
            "/image_ids" => "image_ids",
            "/images" => {
                match ["image_ids", "sequence_ids", "creator_username", "bbox"].map(|name| self.query(name).is_some()) {
                    [true, ..] => "images_by_id",
                    [_, true, ..] => "images_by_sequence",
                    [_, _, true, _] => "images_by_user",
                    _ => "images_by_box",
                }
            }
            _ => "entity",
        }
    }
}

/// The answer to a request; `base` is the address of the server, for links to further pages.
pub(crate) fn answer(world: &World, request: &Request, base: &str) -> Reply {
    if request.method != "GET" {
        return Reply::error(400, 100, "GraphMethodException", "Unsupported request method");
    }
    if request.endpoint() == "tiles" {
        return tile(world, request);
    }
    if let Some(refusal) = refuse_on_graph(request) {
        return refusal;
    }
    match request.endpoint() {
        "image_ids" => image_ids(world, request),
        "images_by_id" | "images_by_sequence" | "images_by_user" | "images_by_box" => images(world, request, base),
        _ => entity(world, request),
    }
}

/// `MLY|digits|32 hexadecimal digits`.
fn is_token(text: &str) -> bool {
    let mut parts = text.split('|');
    let (mark, app, secret) = (parts.next(), parts.next(), parts.next());
    mark == Some("MLY")
        && app.is_some_and(|app| !app.is_empty() && app.bytes().all(|b| b.is_ascii_digit()))
        && secret.is_some_and(|secret| secret.len() == 32 && secret.bytes().all(|b| b.is_ascii_hexdigit()))
        && parts.next().is_none()
}

fn refuse_on_graph(request: &Request) -> Option<Reply> {
    match (&request.authorization, request.query("access_token")) {
        (None, None) => Some(Reply::error(500, 190, "MLYApiException", "Access token required")),
        (Some(header), _) => {
            let token = header.strip_prefix("OAuth ").unwrap_or("");
            (!is_token(token)).then(|| {
                Reply::error(401, 190, "OAuthException", "Error validating application. Invalid application ID.")
            })
        }
        (None, Some(token)) => (!is_token(&token)).then(|| {
            Reply::error(400, 190, "OAuthException", "Invalid OAuth access token - Cannot parse access token")
        }),
    }
}

fn tile(world: &World, request: &Request) -> Reply {
    if request.authorization.is_some() {
        return Reply::empty(403);
    }
    match request.query("access_token") {
        Some(token) if is_token(&token) => {}
        Some(_) => {
            return Reply::error(400, 190, "OAuthException", "Invalid OAuth access token - Cannot parse access token");
        }
        None => return Reply::error(500, 190, "MLYApiException", "Access token required"),
    }
    let path = request.url.path().trim_start_matches("/maps/vtp/");
    let mut parts = path.splitn(3, '/');
    let places = match parts.next() {
        Some("mly1_public") => Places::Original,
        Some("mly1_computed_public") => Places::Computed,
        _ => return Reply::empty(404),
    };
    let tile = (parts.next() == Some("2")).then(|| parts.next()).flatten().and_then(|name| name.parse::<Tile>().ok());
    match tile.map(|tile| world.tile(tile, places)) {
        Some(body) if !body.is_empty() => Reply::tile(body),
        Some(_) => Reply::empty(204),
        None => Reply::empty(404),
    }
}

fn image_ids(world: &World, request: &Request) -> Reply {
    let Some(key) = request.query("sequence_id") else {
        return Reply::error(400, 100, "MLYApiException", "The parameter sequence_id is required");
    };
    let ids: Vec<Value> = world.sequence(&key).map(|image| project(image, &[])).collect();
    Reply::json(200, &json!({"data": ids}))
}

fn entity(world: &World, request: &Request) -> Reply {
    let fields = request.query("fields").unwrap_or_default();
    let fields: Vec<&str> = fields.split(',').collect();
    let path = request.url.path().trim_matches('/');
    if path.is_empty() {
        let ids = request.query("ids").unwrap_or_default();
        let found =
            ids.split(',').filter_map(|id| Some((id.to_owned(), project(world.image(id.parse().ok()?)?, &fields))));
        return Reply::json(200, &Value::Object(found.collect()));
    }
    match path.parse().ok().and_then(|id| world.image(id)) {
        Some(image) => Reply::json(200, &project(image, &fields)),
        None => unknown_object(path),
    }
}

fn unknown_object(what: &str) -> Reply {
    let message = format!(
        "Unsupported get request. Object with ID '{what}' does not exist, cannot be loaded due to missing permissions, or does \
         not support this operation"
    );
    Reply::json(
        400,
        &json!({"error": {"message": message, "type": "MLYApiException", "code": 100, "error_subcode": 33}}),
    )
}

fn images(world: &World, request: &Request, base: &str) -> Reply {
    let fields = request.query("fields").unwrap_or_default();
    let fields: Vec<&str> = fields.split(',').filter(|field| !field.is_empty()).collect();
    let limit =
        request.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(MOST_PER_PAGE).clamp(1, MOST_PER_PAGE);
    let list = |images: Vec<&Value>| {
        let data: Vec<Value> = images.into_iter().map(|image| project(image, &fields)).collect();
        Reply::json(200, &json!({"data": data}))
    };
    if let Some(ids) = request.query("image_ids") {
        // The service does not keep the order that was asked for.
        return list(ids.split(',').rev().filter_map(|id| world.image(id.parse().ok()?)).take(limit).collect());
    }
    if let Some(keys) = request.query("sequence_ids") {
        let images: Vec<&Value> = keys.split(',').flat_map(|key| world.sequence(key)).collect();
        return match images.len() {
            n if n > MOST_PER_PAGE => too_much(),
            _ => list(images),
        };
    }
    let from = request.query("start_captured_at").and_then(|text| time(&text));
    let to = request.query("end_captured_at").and_then(|text| time(&text));
    let is_in_time = |image: &&Value| {
        let at = time_of(image).unwrap_or(0);
        from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to)
    };
    if let Some(user) = request.query("creator_username") {
        let Some(images) = world.user(&user) else { return Reply::json(200, &json!({"data": []})) };
        let images: Vec<&Value> = images.filter(is_in_time).collect();
        let skip: usize = request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let page: Vec<Value> = images.iter().skip(skip).take(limit).map(|image| project(image, &fields)).collect();
        let mut body = json!({"data": page});
        if skip + limit < images.len() {
            let mut next = Url::parse(base).ok().and_then(|base| base.join("/images").ok());
            if let Some(next) = &mut next {
                let kept = request.url.query_pairs().filter(|(key, _)| key != "after" && key != "access_token");
                next.query_pairs_mut().extend_pairs(kept).append_pair("after", &(skip + limit).to_string());
                // The service writes the caller's token into this link; the simulator writes a mark that must never be used.
                next.query_pairs_mut().append_pair("access_token", "MLY|0|token-in-a-link");
            }
            body["paging"] =
                json!({"next": next.map(|next| next.to_string()), "cursors": {"after": (skip + limit).to_string()}});
        }
        return Reply::json(200, &body);
    }
    let corners: Vec<f64> =
        request.query("bbox").unwrap_or_default().split(',').filter_map(|number| number.parse().ok()).collect();
    match <[f64; 4]>::try_from(corners) {
        Ok([west, south, east, north]) => {
            if east - west >= LARGEST_BOX_DEG || north - south >= LARGEST_BOX_DEG {
                return Reply::error(
                    400,
                    100,
                    "MLYApiException",
                    "The bounding box must be smaller than 0.01 degrees square",
                );
            }
            list(world.within([west, south, east, north]).filter(is_in_time).take(limit).collect())
        }
        Err(_) => Reply::error(
            400,
            100,
            "MLYApiException",
            "One of bbox, image_ids, sequence_ids or creator_username is required",
        ),
    }
}

/// The answer to a question that is too large: the same question again cannot help.
pub(crate) fn too_much() -> Reply {
    Reply::error(
        500,
        1,
        "OAuthException",
        "Please reduce the amount of data you're asking for, then retry your request",
    )
}

/// ISO 8601 as the filters take it, to ms.
fn time(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests;
