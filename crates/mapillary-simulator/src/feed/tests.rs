//! What the feed answers, question by question.

use super::*;

fn feeds() -> Feeds {
    serde_json::from_value(json!({
        "users": [{
            "id": "7", "username": "anna", "new_sequences": {"new_at_once": 0, "new_later": 2},
            "uploads": [
                {"cluster_id": "3", "status": "IN_PROGRESS", "image_id": null,
                 "steps": [{"after": 1, "set": {"status": "ON_HOLD", "error_code": "X"}}, {"after": 2, "absent": true}]},
                {"cluster_id": "2", "status": "FINISHED"},
                {"cluster_id": "1", "status": "FINISHED"},
            ],
        }],
        "doc_ids": {"42": "getData"}, "largest_page": 100,
    }))
    .unwrap()
}

fn ask(feeds: &Feeds, what: &[(&str, &str)], round: u64) -> Value {
    let mut url = url::Url::parse("http://simulator/graphql").unwrap();
    url.query_pairs_mut().extend_pairs(what);
    let head = format!("GET {}?{} HTTP/1.1\r\n\r\n", url.path(), url.query().unwrap());
    let (request, _) = Request::read(head.as_bytes()).unwrap().unwrap();
    serde_json::from_slice(&feeds.answer(&request, round).body).unwrap()
}

const ACTIVITY: &str = "query getLatestActivity($id: ID!) { x }";

fn activity(feeds: &Feeds, variables: &Value, round: u64) -> Value {
    ask(feeds, &[("doc", ACTIVITY), ("variables", &variables.to_string())], round)["data"]["fetch__User"]["feed"]
        .clone()
}

#[test]
fn pages_follow_each_other_and_items_change_with_the_rounds() {
    let feeds = feeds();
    let page = activity(&feeds, &json!({"id": "7", "first": 2}), 0);
    assert_eq!(
        page["nodes"],
        json!([{"cluster_id": "3", "status": "IN_PROGRESS", "image_id": null}, {"cluster_id": "2", "status": "FINISHED"}])
    );
    assert_eq!((&page["page_info"]["has_next_page"], &page["page_info"]["start_cursor"]), (&json!(true), &Value::Null));
    let rest = activity(&feeds, &json!({"id": "7", "first": 2, "after": page["page_info"]["end_cursor"]}), 0);
    assert_eq!((&rest["nodes"][0]["cluster_id"], &rest["page_info"]["has_next_page"]), (&json!("1"), &json!(false)));
    let later = activity(&feeds, &json!({"id": "7"}), 1);
    assert_eq!((&later["nodes"][0]["status"], &later["nodes"][0]["error_code"]), (&json!("ON_HOLD"), &json!("X")));
    assert_eq!(activity(&feeds, &json!({"id": "7"}), 2)["nodes"].as_array().unwrap().len(), 2, "it has vanished");
    assert_eq!(
        ask(&feeds, &[("doc", ACTIVITY), ("variables", r#"{"id":"8"}"#)], 0)["data"]["fetch__User"],
        Value::Null
    );
    let large = ask(&feeds, &[("doc", ACTIVITY), ("variables", r#"{"id":"7","first":101}"#)], 0);
    assert_eq!(large["error"]["code"], 1);
}

#[test]
fn pages_may_lead_in_a_circle_or_nowhere() {
    let with = |cursors| Feeds { cursors, ..feeds() };
    let last = activity(&with(Cursors::Loop), &json!({"id": "7"}), 0);
    assert_eq!(last["page_info"]["end_cursor"], json!(to_cursor(0)));
    let lost = activity(&with(Cursors::Lost), &json!({"id": "7"}), 0);
    assert_eq!((&lost["page_info"]["has_next_page"], &lost["page_info"]["end_cursor"]), (&json!(true), &Value::Null));
}

#[test]
fn questions_are_known_by_their_text_or_their_number() {
    let feeds = feeds();
    let anna = ("variables", r#"{"username":"anna"}"#);
    assert_eq!(ask(&feeds, &[("doc_id", "42"), anna], 0)["data"]["user_by_username"]["id"], "7");
    assert!(ask(&feeds, &[("doc_id", "43"), anna], 0)["errors"].is_array());
    assert!(ask(&feeds, &[("doc", "query other { x }"), anna], 0)["errors"].is_array());
    let new = [("doc", "query getNewSequences($username: String!) {}"), anna];
    assert_eq!(
        ask(&feeds, &new, 0)["data"]["user_by_username"]["new_sequences"]["sequence_keys"],
        json!(["new_at_once"])
    );
    assert_eq!(
        ask(&feeds, &new, 2)["data"]["user_by_username"]["new_sequences"]["sequence_keys"],
        json!(["new_at_once", "new_later"])
    );
    let nobody = [("doc", "query getData($username: String!) {}"), ("variables", r#"{"username":"x"}"#)];
    assert_eq!(ask(&feeds, &nobody, 0)["data"]["user_by_username"], Value::Null);
    let strict = Feeds { documents: [("getData".to_owned(), "query getData() {}".to_owned())].into(), ..feeds };
    assert!(ask(&strict, &nobody, 0)["errors"].is_array(), "blanks count");
}
