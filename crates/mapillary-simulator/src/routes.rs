//! What each request is answered: routes, auth and errors as they are known of the service.
//!
//! An answer is a pure function of the world, its habits and the request. Where witnesses of the real service differ, a
//! habit decides; see [`crate::Faults`] for how it is set.

use crate::habits::Habits;
use crate::reply::Reply;
pub(crate) use crate::request::ENDPOINTS;
use crate::request::Request;
use crate::stored::{Places, Stored};
use crate::world::World;
use serde_json::{Value, json};
use tile_cover::{Tile, Zoom};
use url::Url;

const MOST_PER_PAGE: usize = 2_000;
const LARGEST_BOX_DEG: f64 = 0.01;
/// A box with more images than this is "too much data", as dense towns are.
const MOST_PER_BOX: usize = 20_000;
const DAY_MS: i64 = 86_400_000;

/// Fields that an image has; another one is an error of its caller.
const FIELDS: [&str; 31] = [
    "id",
    "altitude",
    "atomic_scale",
    "camera_parameters",
    "camera_type",
    "captured_at",
    "compass_angle",
    "computed_altitude",
    "computed_compass_angle",
    "computed_geometry",
    "computed_rotation",
    "created_at",
    "creator",
    "detections",
    "exif_orientation",
    "geometry",
    "height",
    "is_pano",
    "make",
    "merge_cc",
    "mesh",
    "model",
    "organization",
    "quality_score",
    "sequence",
    "sfm_cluster",
    "thumb_1024_url",
    "thumb_2048_url",
    "thumb_256_url",
    "thumb_original_url",
    "width",
];

/// The answer to a request; `base` is the address of the server, for links to further pages.
pub(crate) fn answer(world: &World, habits: &Habits, request: &Request, base: &str) -> Reply {
    if request.method != "GET" {
        return Reply::error(400, 100, "GraphMethodException", "Unsupported request method");
    }
    if request.endpoint() == "tiles" {
        return tile(world, habits, request);
    }
    let reply = refuse_on_graph(request).unwrap_or_else(|| match request.endpoint() {
        "image_ids" => image_ids(world, habits, request),
        "entity" | "me" => entity(world, habits, request),
        _ => images(world, habits, request, base),
    });
    match habits.usage_percent {
        Some(percent) => {
            let usage = json!({"call_count": percent, "total_time": percent, "total_cputime": percent});
            reply.with_header("x-app-usage", usage.to_string())
        }
        None => reply,
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

pub(crate) fn refuse_on_graph(request: &Request) -> Option<Reply> {
    match (&request.authorization, request.query("access_token")) {
        (None, None) => Some(Reply::error(500, 190, "MLYApiException", "Access token required")),
        (Some(header), _) => {
            let token = header.strip_prefix("OAuth ").unwrap_or("");
            (!is_token(token)).then(|| {
                Reply::error(401, 190, "OAuthException", "Error validating application. Invalid application ID.")
            })
        }
        (None, Some(token)) => (!is_token(&token)).then(malformed_in_query),
    }
}

fn malformed_in_query() -> Reply {
    Reply::error(400, 190, "OAuthException", "Invalid OAuth access token - Cannot parse access token")
}

fn tile(world: &World, habits: &Habits, request: &Request) -> Reply {
    if request.authorization.is_some() {
        return Reply::empty(403);
    }
    match request.query("access_token") {
        Some(token) if is_token(&token) => {}
        Some(_) => return malformed_in_query(),
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
    match tile.filter(|tile| tile.zoom <= Zoom::COVERAGE).map(|tile| world.tile(tile, places, habits)) {
        Some(body) if !body.is_empty() => Reply::tile(body),
        Some(_) => Reply::empty(habits.empty_status),
        None => Reply::empty(404),
    }
}

fn image_ids(world: &World, habits: &Habits, request: &Request) -> Reply {
    let Some(key) = request.query("sequence_id") else {
        return bad_parameter("The parameter sequence_id is required");
    };
    Reply::list(alive(world.sequence(&key), habits), &[], "")
}

/// Images that the Graph API still knows.
fn alive<'a>(images: impl Iterator<Item = &'a Stored>, habits: &Habits) -> impl Iterator<Item = &'a Stored> {
    images.filter(|image| !habits.is_gone(image.id))
}

fn known<'a>(world: &'a World, habits: &Habits, id: &str) -> Option<&'a Stored> {
    world.image(id.parse().ok()?).filter(|image| !habits.is_gone(image.id))
}

fn entity(world: &World, habits: &Habits, request: &Request) -> Reply {
    let asked = request.query("fields").unwrap_or_default();
    let fields: Vec<&str> = asked.split(',').filter(|field| !field.is_empty()).collect();
    let path = request.url.path().trim_matches('/');
    if let Some(name) = path.parse().ok().and_then(|id| world.name_of(id)) {
        let mut user = json!({"id": path});
        if fields.contains(&"username") {
            user["username"] = json!(name);
        }
        return Reply::json(200, &user);
    }
    if let Some(refusal) = unknown_field(&fields) {
        return refusal;
    }
    if path.is_empty() {
        let asked = request.query("ids").unwrap_or_default();
        let mut ids: Vec<&str> = asked.split(',').collect();
        ids.sort_unstable();
        ids.dedup();
        let mut body = b"{".to_vec();
        for image in ids.into_iter().filter_map(|id| known(world, habits, id)) {
            if body.len() > 1 {
                body.push(b',');
            }
            body.extend(format!("\"{}\":", image.id).into_bytes());
            image.write_fields(&fields, &mut body);
        }
        body.push(b'}');
        return Reply::json_text(200, body);
    }
    match known(world, habits, path) {
        Some(image) => {
            let mut body = Vec::new();
            image.write_fields(&fields, &mut body);
            Reply::json_text(200, body)
        }
        None => unknown_object(path),
    }
}

pub(crate) fn unknown_object(what: &str) -> Reply {
    let message = format!(
        "Unsupported get request. Object with ID '{what}' does not exist, cannot be loaded due to missing permissions, or \
         does not support this operation"
    );
    Reply::json(
        400,
        &json!({"error": {"message": message, "type": "MLYApiException", "code": 100, "error_subcode": 33}}),
    )
}

fn bad_parameter(message: &str) -> Reply {
    Reply::error(400, 100, "MLYApiException", message)
}

fn unknown_field(fields: &[&str]) -> Option<Reply> {
    let unknown = fields.iter().find(|field| !FIELDS.contains(field))?;
    Some(bad_parameter(&format!("(#100) Tried accessing nonexisting field ({unknown})")))
}

fn images(world: &World, habits: &Habits, request: &Request, base: &str) -> Reply {
    let asked = request.query("fields").unwrap_or_default();
    let fields: Vec<&str> = asked.split(',').filter(|field| !field.is_empty()).collect();
    if let Some(refusal) = unknown_field(&fields) {
        return refusal;
    }
    let limit =
        request.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(MOST_PER_PAGE).clamp(1, MOST_PER_PAGE);
    if let Some(ids) = request.query("image_ids") {
        // The service does not keep the order that was asked for.
        return Reply::list(ids.split(',').rev().filter_map(|id| known(world, habits, id)).take(limit), &fields, "");
    }
    if let Some(keys) = request.query("sequence_ids") {
        let images: Vec<&Stored> = alive(keys.split(',').flat_map(|key| world.sequence(key)), habits).collect();
        return if images.len() > MOST_PER_PAGE { too_much() } else { Reply::list(images, &fields, "") };
    }
    let (from, to) = match time_window(request, habits) {
        Ok(window) => window,
        Err(refusal) => return refusal,
    };
    let is_in_time = |image: &&Stored| {
        let at = image.captured_at_ms.unwrap_or(0);
        from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to)
    };
    if let Some(user) = request.query("creator_username") {
        let Some(images) = world.user(&user) else { return Reply::json(200, &json!({"data": []})) };
        let skip: usize = request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut page: Vec<&Stored> =
            alive(images, habits).filter(is_in_time).skip(skip).take(limit.saturating_add(1)).collect();
        let has_more = page.len() > limit;
        page.truncate(limit);
        let paging = if has_more { paging(request, base, skip + limit) } else { String::new() };
        return Reply::list(page, &fields, &paging);
    }
    let corners: Vec<f64> =
        request.query("bbox").unwrap_or_default().split(',').filter_map(|number| number.parse().ok()).collect();
    let Ok([west, south, east, north]) = <[f64; 4]>::try_from(corners) else {
        return bad_parameter("One of bbox, image_ids, sequence_ids or creator_username is required");
    };
    // Written so that a box of NaN is refused too.
    if !(0.0..LARGEST_BOX_DEG).contains(&(east - west)) || !(0.0..LARGEST_BOX_DEG).contains(&(north - south)) {
        return bad_parameter("The bounding box must be smaller than 0.01 degrees square");
    }
    let found: Vec<&Stored> =
        alive(world.within([west, south, east, north]).into_iter(), habits).filter(is_in_time).collect();
    if found.len() > MOST_PER_BOX {
        return too_much();
    }
    // No paging here, as on the service: of more than a page, a sample.
    let shown = found.len().min(limit);
    Reply::list((0..shown).map(|k| found[k * found.len() / shown]), &fields, "")
}

/// What follows the list of a page that is not the last.
fn paging(request: &Request, base: &str, after: usize) -> String {
    let after = after.to_string();
    let mut next = Url::parse(base).ok().and_then(|base| base.join("/images").ok());
    if let Some(next) = &mut next {
        let kept = request.url.query_pairs().filter(|(key, _)| key != "after" && key != "access_token");
        next.query_pairs_mut().extend_pairs(kept).append_pair("after", &after);
        // The service writes the caller's token into this link; the simulator writes a mark that must never be used.
        next.query_pairs_mut().append_pair("access_token", "MLY|0|token-in-a-link");
    }
    let paging: Value = json!({"next": next.map(|next| next.to_string()), "cursors": {"after": after}});
    format!(",\"paging\":{paging}")
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

/// The first and the last moment that are asked for, in ms.
fn time_window(request: &Request, habits: &Habits) -> Result<(Option<i64>, Option<i64>), Reply> {
    let bound = |name: &str| match request.query(name) {
        None => Ok(None),
        Some(text) => match time(&text) {
            Some(ms) => Ok(Some(ms)),
            None => Err(bad_parameter(&format!("(#100) Param {name} must be a valid ISO 8601 time"))),
        },
    };
    let (from, to) = (bound("start_captured_at")?, bound("end_captured_at")?);
    if habits.sloppy_times {
        let day = |ms: i64| ms.div_euclid(DAY_MS) * DAY_MS;
        return Ok((from.map(day), to.map(|to| day(to) + DAY_MS - 1)));
    }
    Ok((from, to))
}

/// ISO 8601 as the filters take it, to ms.
fn time(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests;
