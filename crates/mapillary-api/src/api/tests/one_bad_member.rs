//! What is wrong with one sequence, or one image, costs the others of its question nothing.

use super::*;
use crate::Found;

/// Twenty sequences with an image each.
fn twenty() -> Vec<SequenceId> {
    (0..20).map(|number| SequenceId::new(&format!("s{number}"))).collect()
}

/// A service that answers for sequences `s0`, `s1`, … unless one of these is among the asked.
fn world_with(bad: &'static [&'static str], fault: impl Fn() -> (u16, String) + Send + Sync + 'static) -> World {
    world(move |request| {
        let Some(keys) = asked_for(request, "sequence_ids") else {
            let (status, body) = fault(); // ids of a bad one
            return reply(status, body);
        };
        if keys.split(',').any(|key| bad.contains(&key)) {
            let (status, body) = fault();
            return reply(status, body);
        }
        reply(200, page(keys.split(',').map(|key| image(key[1..].parse().unwrap(), key)), None))
    })
}

fn envelope(code: i64) -> String {
    format!("{{\"error\":{{\"code\":{code},\"message\":\"x\"}}}}")
}

#[tokio::test(start_paused = true)]
async fn one_sequence_that_fails_costs_the_others_nothing() {
    let gone = r#"{"error":{"code":100,"error_subcode":33,"message":"Unsupported get request"}}"#.to_owned();
    for (case, status, body, kind, most_asked) in [
        ("too much, and so are its ids", 500, TOO_MUCH.to_owned(), ErrorKind::TooMuchData, 12),
        ("unsupported", 400, gone, ErrorKind::NotFound, 11),
        ("a bad parameter", 400, envelope(100), ErrorKind::Refused, 11),
        ("may not", 403, envelope(10), ErrorKind::TokenRefused, 11),
        ("may not, of the 200s", 403, envelope(200), ErrorKind::TokenRefused, 11),
        ("broken on the server", 500, String::new(), ErrorKind::Connection, 11 + 7 + 5),
        ("nowhere, says a gateway", 404, String::new(), ErrorKind::Connection, 11 + 7 + 5),
        ("nonsense", 200, "<html>".to_owned(), ErrorKind::NoSense, 11 + 3 + 5),
    ] {
        for bad in [&["s0"], &["s13"], &["s19"]] {
            let body = body.clone();
            let world = world_with(bad, move || (status, body.clone()));
            let Found { images, failed } = world.api.images_of_sequences(&twenty()).await.unwrap();
            assert_eq!(images.len(), 19, "{case}");
            let told: Vec<_> = failed.iter().map(|(key, error)| (key.as_str(), error.kind())).collect();
            assert_eq!(told, [(bad[0], kind)], "{case}");
            let n_asked = world.service.asked().len();
            assert!(n_asked <= most_asked, "{case}, {bad:?}: {n_asked} requests");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_run_asks_for_the_failed_one_alone() {
    let world = world_with(&["s13"], || (400, envelope(100)));
    world.api.images_of_sequences(&twenty()).await.unwrap();
    let batches = world.api.stored_batches().unwrap();
    let n_stored: usize = batches.iter().map(|batch| batch.sequences.len()).sum();
    assert_eq!(n_stored, 19, "whatever was answered is kept under what was asked");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_always_is_not_asked_for_every_single_one() {
    for (status, body, most_asked) in [(500, String::new(), 8 + 2 * 8), (400, envelope(100), 9)] {
        let world = world(move |_| reply(status, body.clone()));
        let Found { images, failed } = world.api.images_of_sequences(&twenty()).await.unwrap();
        assert_eq!((images.len(), failed.len()), (0, 20));
        let n_asked = world.service.asked().len();
        assert!(n_asked <= most_asked, "{n_asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_every_further_question_would_meet_ends_the_asking() {
    for (status, code, kind) in
        [(500, 190, ErrorKind::TokenRefused), (400, 368, ErrorKind::Blocked), (403, 4, ErrorKind::Quota)]
    {
        let world = world(move |_| reply(status, envelope(code)));
        assert_eq!(world.api.images_of_sequences(&twenty()).await.unwrap_err().kind(), kind);
        let by_id = world.api.images_by_ids(&[ImageId(1), ImageId(2)]).await;
        assert_eq!(by_id.unwrap_err().kind(), kind);
    }
}

#[tokio::test(start_paused = true)]
async fn one_image_that_fails_costs_the_others_nothing() {
    let world = world(|request| {
        let list = asked_for(request, "image_ids").unwrap();
        if list.split(',').any(|id| id == "77") {
            return reply(400, envelope(100));
        }
        reply(200, page(list.split(',').map(|id| image(id.parse().unwrap(), "s")), None))
    });
    let wanted: Vec<ImageId> = (1..=200).map(ImageId).collect();
    let Found { images, failed } = world.api.images_by_ids(&wanted).await.unwrap();
    assert_eq!((images.len(), failed.len(), failed[0].0), (199, 1, ImageId(77)));
    assert!(world.service.asked().len() <= 17, "{}", world.service.asked().len());
}

#[tokio::test(start_paused = true)]
async fn a_long_sequence_of_which_a_part_fails_keeps_the_rest() {
    let world = world(|request| match asked_for(request, "image_ids") {
        Some(list) if list.split(',').any(|id| id == "77") => reply(400, envelope(100)),
        Some(list) => reply(200, page(list.split(',').map(|id| image(id.parse().unwrap(), "long")), None)),
        None => reply(200, page((1..=300).map(|id| image(id, "long")), None)),
    });
    let Found { images, failed } = world.api.images_of_long_sequence(&SequenceId::new("long")).await.unwrap();
    assert_eq!((images.len(), failed.len(), failed[0].0.as_str()), (299, 1, "long"));
    assert!(world.service.asked()[0].starts_with("/image_ids"), "the question that would be too much is not asked");
}
